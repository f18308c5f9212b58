var me,La,Zi,xn,Yi,Or,Oa,Dr,Fa,Qi,Ji,yd,Zo=Symbol.for("pv"),Fr={},Nr=[],wd=/^m(i|n|o|s|text|space)$/,Xi=Array.isArray,es=Nr.slice,Hn=Object.assign;function Vn(e){e&&e.parentNode&&e.remove()}function zr(e,t,n){var o,r,i,a={},c=arguments.length;for(i in t)i=="key"?o=t[i]:i=="ref"&&typeof e!="function"?r=t[i]:a[i]=t[i];return c>2&&(a.children=c>3?es.call(arguments,2):n),Jo(e,a,o,r,null)}function Jo(e,t,n,o,r){var i={type:e,props:t,key:n,ref:o,__k:null,__:null,__b:0,__e:null,__c:null,constructor:Zo,__v:r||++La,__i:-1,__u:0};return!r&&me.vnode&&me.vnode(i),i}function Wn(e){return e.children}function kn(e,t){this.props=e,this.context=t,this.__g=0}function Sn(e,t){if(t==null)return e.__&&Sn(e.__,e.__i+1);for(var n;t<e.__k.length;t++)if((n=e.__k[t])&&n.__e)return n.__e;return typeof e.type!="function"||e.props.__P?null:Sn(e)}function xd(e){var t,n=e.__v,o=n.__e,r=[],i=[],a=e.__P;a&&((t=Hn({constructor:Zo},n)).__v=n.__v+1,me.vnode&&me.vnode(t),ts(a,t,n,e.__n,a.namespaceURI,32&n.__u?[o]:null,r,o||Sn(n),32&n.__u,i),t.__v=n.__v,t.__.__k[t.__i]=t,Ha(r,t,i),n.__=n.__e=null,t.__e!=o&&Na(t))}function Na(e){if((e=e.__)&&e.__c&&!e.props.__P)return e.__e=null,e.__k.some(function(t){return t&&(e.__e=t.__e)}),Na(e)}function Aa(e){(8&e.__g||(e.__g|=8,xn.push(e),Or++))&&Yi==me.debounceRendering||((Yi=me.debounceRendering)||queueMicrotask)(za)}function za(){try{for(var e,t=1;xn.length;)xn.length>t&&xn.sort(Oa),e=xn.shift(),t=xn.length,8&e.__g&&xd(e)}finally{(Or=xn.length)&&(Yi||queueMicrotask)(za)}}function Ia(e,t,n,o,r,i,a,c,d,h,m){var g,b,_,x,T,C,E=o.__k||Nr,y=t.length;for(d=kd(n,t,E,d,y),g=0;g<y;g++)(_=n.__k[g])!=null&&(b=~_.__i&&E[_.__i]||Fr,_.__i=g,C=ts(e,_,b,r,i,a,c,d,h,m),x=_.__e,(b.ref!=_.ref||8&b.__u)&&(b.ref&&ns(b.ref,null,_,b),_.ref&&m.push(_.ref,_.__c||x,_)),T=T||x,4&_.__u?(d=ja(_,d,e,!b.__v),b.__e&&(b.__e=null)):typeof _.type=="function"&&C!==void 0?d=C:x&&(d=x.nextSibling),_.__u&=-21);return n.__e=T,d}function kd(e,t,n,o,r){var i,a,c,d,h,m,g,b,_,x=n.length,T=x,C=0,E=0,y=e.__k=Array(r);for(i=0;i<r;i++)(a=t[i])!=null&&typeof a!="boolean"&&typeof a!="function"?(typeof a!="object"||a.constructor===String?a=y[i]=Jo(null,a):Xi(a)?a=y[i]=Jo(Wn,{children:a}):a.constructor===Zo&&a.__b?a=y[i]=Jo(a.type,a.props,a.key,a.ref,a.__v):y[i]=a,d=i+C,a.__=e,a.__b=e.__b+1,c=null,~(h=a.__i=Sd(a,n,d,T))&&(T--,(c=n[h])&&(c.__u|=2)),c&&c.__v?(a.__u|=16,h==d-1?C--:h==d+1?C++:h!=d&&(h>d?C--:C++,E=1)):(~h||(r>x?C--:r<x&&C++),typeof a.type!="function"&&(a.__u|=4))):y[i]=null;if(E){for(m=[],g=[],i=0;i<r;i++)if((a=y[i])&&16&a.__u){for(C=0,b=m.length;C<b;)m[_=C+b>>1]<a.__i?C=_+1:b=_;m[C]=a.__i,g[i]=C+1}for(C=m.length;i--;)g[i]&&(g[i]==C?C--:y[i].__u|=4)}if(T)for(i=0;i<x;i++)!(c=n[i])||2&c.__u||(c.__e==o&&(o=Sn(c)),os(c,c));return o}function ja(e,t,n,o){var r,i,a,c;if(typeof e.type=="function"){if(e.props.__P)return t;if(r=e.__k)for(i=0;i<r.length;i++)r[i]&&(r[i].__=e,t=ja(r[i],t,n,!1));return t}for(t&&!t.parentNode&&(t=Sn(e))&&!t.parentNode&&(t=null),a=e.__e,c=t;c&&c.nodeType==8;)c=c.nextSibling;for(a!=c&&(!o&&n.moveBefore&&a.parentNode?n.moveBefore(a,t):n.insertBefore(a,t||null)),t=a;(t=t&&t.nextSibling)&&t.nodeType==8&&!t.data.startsWith("$s"););return t}function Sd(e,t,n,o){var r,i=e.key,a=e.type,c=t[n],d=c&&!(2&c.__u);if(c===null&&i==null||d&&i==c.key&&a==c.type)return n;if(o>(d?1:0)){for(r=n-1;r>=0;r--)if((c=t[r])&&!(2&c.__u)&&i==c.key&&a==c.type)return r;for(r=n+1;r<t.length;r++)if((c=t[r])&&!(2&c.__u)&&i==c.key&&a==c.type)return r}return-1}function Da(e,t,n){n==null&&(n=""),t[0]=="-"?e.setProperty(t,n):e[t]=n}function Ar(e,t,n,o,r){var i,a;if(t=="style")if(typeof n=="string")e.style.cssText=n;else{if(typeof o=="string"&&(e.style.cssText=o=""),o)for(t in o)n&&t in n||Da(e.style,t);if(n)for(t in n)o&&n[t]==o[t]||Da(e.style,t,n[t])}else if(t[0]=="o"&&t[1]=="n")typeof n!="function"&&(n=null),typeof o!="function"&&(o=null),(e.__e||(e.__e={}))[t]=n,n&&o||(a=Ji[t]||(Ji[t]=Td(t)),(e.__a||(e.__a={}))[t]=Qi,i=t!=(t=t.replace(Fa,"$1")),(t=t.slice(2))[0]<"a"&&(t=t.toLowerCase()),n?e.addEventListener(t,a,i):e.removeEventListener(t,a,i));else{if(r=="http://www.w3.org/2000/svg")t=t.replace(/xlink(H|:h)/,"h").replace(/sName$/,"s");else if(t!="width"&&t!="height"&&t!="href"&&t!="list"&&t!="form"&&t!="tabIndex"&&t!="download"&&t!="rowSpan"&&t!="colSpan"&&t!="role"&&t!="popover"&&t in e)try{return void(e[t]=n??"")}catch{}if(typeof n=="function")return;n==null||n===!1&&t[4]!="-"?e.removeAttribute(t):e.setAttribute(t,t=="popover"&&n==1?"":n)}}function Td(e){return function(t){var n=this.__e;if(n){if(n=n[e],t[Dr]==null)t[Dr]=Qi++;else if(t[Dr]<this.__a[e])return;return n(me.event?me.event(t):t)}}}function ts(e,t,n,o,r,i,a,c,d,h){var m,g,b,_,x,T,C,E,y,A,k,q,N,Q,B,te,W,R,G=t.type;if(t.constructor!==Zo)return null;128&n.__u&&(d=32&n.__u,m=n.__c.__z)&&(t.__u|=d,g=i=[],m.nodeType==8?c=Lr(m,i):i.push(m),c=i[0]||c),(m=me.__b)&&m(t);e:if(typeof G=="function"){b=a.length;try{if(E=t.props,y=(m=G.prototype)&&m.render,A=(m=G.contextType)&&o[m.__c],k=m?A?A.props.value:m.__:o,(_=n.__c)?(t.__c=_,2&_.__g&&(_.__g|=1)):(y?t.__c=_=new G(E,k):(t.__c=_=new kn(E,k),_.constructor=G,_.render=Cd),A&&A.sub(_),_.state||(_.state={}),_.__n=o,_.__g|=8,_.__h=[],_.__k=[]),y&&(_.__s||(_.__s=_.state),G.getDerivedStateFromProps&&(_.__s==_.state&&(_.__s=Hn({},_.__s)),Hn(_.__s,G.getDerivedStateFromProps(E,_.__s)))),x=_.props,T=_.state,_.__v=t,n.__c){if(E!==x&&y&&!G.getDerivedStateFromProps&&_.componentWillReceiveProps&&_.componentWillReceiveProps(E,k),t.__v==n.__v&&!(8&_.__g)||!(4&_.__g)&&_.shouldComponentUpdate&&_.shouldComponentUpdate(E,_.__s,k)===!1){t.__v!=n.__v&&(_.props=E,_.state=_.__s,_.__g&=-9),t.__e=n.__e,t.__k=n.__k,t.__k.some(function(L){L&&(L.__=t)}),Nr.push.apply(_.__h,_.__k),_.__k=[],_.__h.length&&a.push(_),c=Sn(n);break e}_.componentWillUpdate&&_.componentWillUpdate(E,_.__s,k),y&&_.componentDidUpdate&&_.__h.push(function(){_.componentDidUpdate(x,T,C)})}else y&&!G.getDerivedStateFromProps&&_.componentWillMount&&_.componentWillMount(),y&&_.componentDidMount&&_.__h.push(_.componentDidMount);_.context=k,_.props=E,_.__P=e,_.__g&=-5,q=me.__r,N=y?25:0;do _.__g&=-9,q&&q(t),m=_.render(_.props,_.state=_.__s,_.context);while(8&_.__g&&++N<25);y&&(Nr.push.apply(_.__h,_.__k),_.__k=[]),_.state=_.__s,_.getChildContext&&(o=Hn({},o,_.getChildContext())),y&&n.__c&&_.getSnapshotBeforeUpdate&&(C=_.getSnapshotBeforeUpdate(x,T)),Q=m&&m.type===Wn&&m.key==null?m.props.children:m,E.__P&&(m=c,r=(e=E.__P).namespaceURI,d=i=null,n.props&&n.props.__P!=e&&(n.__k.some(function(L){L&&os(L,L)}),n.__k=null),c=n.__k?Sn(n,0):null),c=Ia(e,Xi(Q)?Q:[Q],t,n,o,r,i,a,c,d,h),E.__P&&(t.__e=null,c=m),t.__u&=-161,g&&g.some(Vn),_.__h.length&&a.push(_),1&_.__g&&(_.__g&=-4)}catch(L){if(a.length=b,t.__v=null,d||i)if(L&&L.then){if(t.__u|=128|d,i){for(~(W=i.indexOf(c||void 0))||(W=i.length);(R=i[W-1])&&R.nodeType==8;)W--;for(;W<i.length;W++)if(R=i[W])if(i[W]=null,B){if(R==te)break}else{if(R.nodeType!=8)break;R.data.startsWith("$s")&&(te=Lr(B=R))}}if(!B){for(;c&&c.nodeType==8&&c.nextSibling;)c=c.nextSibling;B=c}(m=Lr(B=t.__c.__z||(t.__c.__z=B)))?(t.__e=B,c=m):t.__e=c,c=c&&c.nextSibling}else i&&i.some(Vn);else t.__e=n.__e;t.__k||(t.__k=n.__k||[]),L&&L.then||Va(t),me.__e(L,t,n)}}else c=t.__e=Pd(n.__e,t,n,o,r,i,a,d,h,e);return(m=me.diffed)&&m(t),c}function Lr(e,t){if(e&&e.nodeType==8&&e.data.startsWith("$s"))for(var n=1;e=e.nextSibling;){if(e.nodeType==8){if(e.data.startsWith("$s"))n++;else if(e.data.startsWith("/$s")&&!--n)return e}t&&t.push(e)}}function Va(e){e&&(e.__c&&(e.__c.__g|=4),e.__k&&e.__k.some(Va))}function Ha(e,t,n){for(var o=0;o<n.length;)ns(n[o++],n[o++],n[o++]);me.__c&&me.__c(t,e),e.some(function(r){try{e=r.__h,r.__h=[],e.some(function(i){i.call(r)})}catch(i){me.__e(i,r.__v)}})}function Pd(e,t,n,o,r,i,a,c,d,h){var m,g,b,_,x,T,C,E,y=n.props||Fr,A=t.props,k=t.type;if(k=="svg"?r="http://www.w3.org/2000/svg":k=="math"?r="http://www.w3.org/1998/Math/MathML":r||(r="http://www.w3.org/1999/xhtml"),i){for(m=0;m<i.length;m++)if((x=i[m])&&(k?x.localName==k:x.nodeType==3)){e=x,i[m]=null;break}}if(!e){if(E=h.ownerDocument||document,!k)return E.createTextNode(A);e=E.createElementNS(r,k,A.is?A:h),c&&(me.__m&&me.__m(t,i),c=!1),i=null}if(k){if(h=k=="template"&&e.content||e,i=k=="textarea"&&A.defaultValue!=null?null:i&&es.call(h.childNodes),!c&&i)for(y={},m=0;m<e.attributes.length;m++)y[(x=e.attributes[m]).name]=x.value;for(m in y)x=y[m],m=="dangerouslySetInnerHTML"?b=x:m=="children"||m in A||m=="value"&&"defaultValue"in A||m=="checked"&&"defaultChecked"in A||Ar(e,m,null,x,r);for(m in A)x=A[m],m=="children"?_=x:m=="dangerouslySetInnerHTML"?g=x:m=="value"?T=x:m=="checked"?C=x:c&&typeof x!="function"||y[m]===x||Ar(e,m,x,y[m],r);g?(c||b&&(g.__html==b.__html||g.__html==e.innerHTML)||(e.innerHTML=g.__html),t.__k=[]):(b&&(e.textContent=""),(k=="foreignObject"||r=="http://www.w3.org/1998/Math/MathML"&&wd.test(k))&&(r="http://www.w3.org/1999/xhtml"),Ia(h,Xi(_)?_:[_],t,n,o,r,i,a,i?i[0]:n.__k&&Sn(n,0),c,d),i&&i.some(Vn)),c&&k!="textarea"||(m="value",k=="progress"&&T==null?e.removeAttribute(m):T==null||T===e[m]&&(k!="progress"||T)||Ar(e,m,T,y[m],r),m="checked",C!=null&&C!=e[m]&&Ar(e,m,C,y[m],r))}else y===A||c&&e.data==A||(e.data=A);return e}function ns(e,t,n,o){try{typeof e=="function"?t?t.__x=e(t)||1:o&&(o=o.__c||o.__e)&&(t=o.__x)&&(o.__x=null,typeof t=="function"?t():e(null)):e.current=t}catch(r){me.__e(r,n)}}function os(e,t,n){var o,r,i,a;if(me.unmount&&me.unmount(e),!(o=e.ref)||o.current&&o.current!=e.__e||ns(o,null,t,e),o=e.__c){if(o.componentWillUnmount)try{o.componentWillUnmount()}catch(c){me.__e(c,t)}o.__P=o.__n=null}if(o=e.__k)for(a=0;a<o.length;a++)o[a]&&os(o[a],t,typeof e.type!="function"||n&&!e.props.__P);!n&&(o=e.__c)&&(o=o.__z)&&(r=Lr(o,i=[]))&&(o==e.__e&&i.some(Vn),Vn(r),Vn(o)),n||Vn(e.__e),e.__e=e.__c=e.__=null}function Cd(e,t,n){return this.constructor(e,n)}function Wa(e,t){var n,o,r,i;me.__&&me.__(e,t),t.nodeType==9&&(t=t.documentElement),o=(n=e&&32&e.__u)?null:t.__k,t.__k=Jo(Wn,{children:[e]}),r=[],i=[],ts(t,t.__k,o||Fr,Fr,t.namespaceURI,o?null:t.firstChild?es.call(t.childNodes):null,r,o?o.__e:t.firstChild,n,i),Ha(r,t.__k,i),t.__k.props.children=null}me={__e:function(e,t,n,o){for(var r,i,a;t=t.__;)if((r=t.__c)&&!(1&r.__g)){r.__g|=4;try{if((a=(i=r.constructor)&&i.getDerivedStateFromError)&&r.setState(i.getDerivedStateFromError(e)),r.componentDidCatch&&(r.componentDidCatch(e,o||{}),a=1),a&&8&r.__g)return void(r.__g|=2)}catch(c){e=c}}throw Or=0,e}},La=0,Zi=function(e){return e!=null&&e.constructor===Zo},kn.prototype.setState=function(e,t){var n=this.__s;n&&n!=this.state||(n=this.__s=Hn({},this.state)),typeof e=="function"&&(e=e(Hn({},n),this.props)),e&&(Hn(n,e),this.__v&&(t&&this.__k.push(t),Aa(this)))},kn.prototype.forceUpdate=function(e){this.__v&&(this.__g|=4,e&&this.__h.push(e),Aa(this))},kn.prototype.render=Wn,xn=[],Or=0,Oa=function(e,t){return e.__v.__b-t.__v.__b},Dr=Symbol(),Fa=/(PointerCapture)$|Capture$/i,Qi=0,Ji={},yd=0;var Xo,Ve,rs,Ua,is=Object.is,Ir=0,Xa=[],ss=[],Fe=me,Ba=Fe.__b,Ga=Fe.__r,Ka=Fe.diffed,qa=Fe.__c,Ya=Fe.unmount,Ja=Fe.__;function ls(e,t){Fe.__h&&Fe.__h(Ve,e,Ir||t),Ir=0;var n=Ve.__H||(Ve.__H={__:[],__h:[]});return e>=n.__.length&&n.__.push({}),n.__[e]}function U(e){return Ir=1,Ed(tl,e)}function Ed(e,t,n){var o=ls(Xo++,2);if(o.t=e,!o.__c&&(o.__=[n?n(t):tl(void 0,t),function(i){var a=(o.__N||o.__)[0],c=o.t(a,i);is(a,c)||(o.__N=[c,o.__[1]],o.__c.setState({}))}],o.__c=Ve,!Ve.__f)){Ve.__f=!0;var r=Ve.shouldComponentUpdate;Ve.shouldComponentUpdate=function(i,a,c){var d=this.__H;if(!d)return!0;var h=!1,m=this.props!=i;if(d.__.some(function(b){b.__N&&(h=!0,is(b.__[0],b.__N[0])||(m=!0))}),r){var g=r.call(this,i,a,c);return h?g||m:g}return!h||m}}return o.__}function nt(e,t){var n=ls(Xo++,3);!Fe.__s&&el(n.__H,t)&&(n.__P=!0,n.__=e,n.u=t,Ve.__H.__h.push(n))}function rt(e){return Ir=5,jr(function(){return{current:e}},[])}function jr(e,t){var n=ls(Xo++,7);return el(n.__H,t)&&(n.__=e(),n.__H=t),n.__}function Rd(){var e;do{for(;e=ss.shift();)try{Qo(e)}catch(n){Fe.__e(n,{__:(e=e.__P)&&e.__v})}for(;e=Xa.shift();){var t=e.__H;if(e.__P&&t)try{t.__h.some(Qo),t.__h.some(as),t.__h=[]}catch(n){t.__h=[],Fe.__e(n,e.__v)}}}while(ss.length)}Fe.__b=function(e){Ve=null,Ba&&Ba(e)},Fe.__=function(e,t){e&&t.__k&&t.__k.__m&&(e.__m=t.__k.__m),Ja&&Ja(e,t)},Fe.__r=function(e){Ga&&Ga(e),Xo=0;var t=(Ve=e.__c).__H;t&&(rs==Ve?Ve.__h=[]:(t.__h.some(Qo),t.__h.some(as),Xo=0),t.__h=[],t.__.some(function(n){n.__N&&(n.__=n.__N),n.u=n.__N=void 0})),rs=Ve},Fe.diffed=function(e){Ka&&Ka(e);var t=e.__c;t&&t.__H&&(t.__H.__h.length&&Qa(Xa.push(t)),t.__H.__.some(function(n){n.u&&(n.__H=n.u)})),rs=Ve=null},Fe.__c=function(e,t){t.some(function(n){try{n.__h.some(Qo),n.__h=n.__h.filter(function(o){return!o.__||as(o)})}catch(o){n.__h=[function(){throw o}]}}),qa&&qa(e,t)},Fe.unmount=function(e){Ya&&Ya(e);var t,n,o=e.__c;o&&o.__H&&(o.__H.__.some(function(r){try{if(r.__P&&r.__c){if(n===void 0){for(n=e.__;n&&(!n.__c||!n.__c.__P);)n=n.__;n=n&&n.__c}r.__P=n,Qa(ss.push(r))}else Qo(r)}catch(i){t=i}}),o.__H=void 0,t&&Fe.__e(t,o.__v))};var Za=typeof requestAnimationFrame=="function";function Md(e){var t,n=function(){clearTimeout(o),Za&&cancelAnimationFrame(t),setTimeout(e)},o=setTimeout(n,35);Za&&(t=requestAnimationFrame(n))}function Qa(e){e!=1&&Ua==Fe.requestAnimationFrame||((Ua=Fe.requestAnimationFrame)||Md)(Rd)}function Qo(e){var t=Ve,n=e.__c;typeof n=="function"&&(e.__c=void 0,n()),Ve=t}function as(e){var t=Ve;e.__c=e.__(),Ve=t}function el(e,t){return!e||e.length!=t.length||t.some(function(n,o){return!is(n,e[o])})}function tl(e,t){return typeof t=="function"?t(e):t}var Ad=Symbol.for("preact-signals");function Ur(){if(fn>1)fn--;else{var e,t=!1;for((function(){var r=Hr;for(Hr=void 0;r!==void 0;){var i=r.S;if(i.v===r.v)for(var a=i.t;a!==void 0;a=a.x)a.i===r.i&&(a.i=i.i);r=r.o}})();tr!==void 0;){var n=tr;for(tr=void 0,Vr++;n!==void 0;){var o=n.u;if(n.u=void 0,n.f&=-3,!(8&n.f)&&ol(n))try{n.c()}catch(r){t||(e=r,t=!0)}n=o}}if(Vr=0,fn--,t)throw e}}function us(e){if(fn>0)return e();cs=++Dd,fn++;try{return e()}finally{Ur()}}var er,Re=void 0;function nr(e){var t=Re,n=er;Re=void 0,er=void 0;try{return e()}finally{Re=t,er=n}}var tr=void 0,fn=0,Vr=0,Dd=0,cs=0,Hr=void 0,Wr=0;function nl(e){if(Re!==void 0){var t=e.n;if(t===void 0||t.t!==Re)return t={i:0,S:e,p:Re.s,n:void 0,t:Re,e:void 0,x:void 0,r:t},Re.s!==void 0&&(Re.s.n=t),Re.s=t,e.n=t,32&Re.f&&e.S(t),t;if(t.i===-1)return t.i=0,t.n!==void 0&&(t.n.p=t.p,t.p!==void 0&&(t.p.n=t.n),t.p=Re.s,t.n=void 0,Re.s.n=t,Re.s=t),t}}function He(e,t){this.v=e,this.i=0,this.n=void 0,this.t=void 0,this.l=0,this.W=t?.watched,this.Z=t?.unwatched,this.name=t?.name}He.prototype.brand=Ad;He.prototype.h=function(){return!0};He.prototype.S=function(e){var t=this,n=this.t;n!==e&&e.e===void 0&&(e.x=n,this.t=e,n!==void 0?n.e=e:nr(function(){var o;(o=t.W)==null||o.call(t)}))};He.prototype.U=function(e){var t=this;if(this.t!==void 0){var n=e.e,o=e.x;n!==void 0&&(n.x=o,e.e=void 0),o!==void 0&&(o.e=n,e.x=void 0),e===this.t&&(this.t=o,o===void 0&&nr(function(){var r;(r=t.Z)==null||r.call(t)}))}};He.prototype.subscribe=function(e){var t=this;return sn(function(){var n=t.value;nr(function(){return e(n)})},{name:"sub"})};He.prototype.valueOf=function(){return this.value};He.prototype.toString=function(){return this.value+""};He.prototype.toJSON=function(){return this.value};He.prototype.peek=function(){var e=this;return nr(function(){return e.value})};Object.defineProperty(He.prototype,"value",{get:function(){var e=nl(this);return e!==void 0&&(e.i=this.i),this.v},set:function(e){if(e!==this.v){if(Vr>100)throw new Error("Cycle detected");(function(n){fn!==0&&Vr===0&&n.l!==cs&&(n.l=cs,Hr={S:n,v:n.v,i:n.i,o:Hr})})(this),this.v=e,this.i++,Wr++,fn++;try{for(var t=this.t;t!==void 0;t=t.x)t.t.N()}finally{Ur()}}}});function kt(e,t){return new He(e,t)}function ol(e){for(var t=e.s;t!==void 0;t=t.n)if(t.S.i!==t.i||!t.S.h()||t.S.i!==t.i)return!0;return!1}function rl(e){for(var t=e.s;t!==void 0;t=t.n){var n=t.S.n;if(n!==void 0&&(t.r=n),t.S.n=t,t.i=-1,t.n===void 0){e.s=t;break}}}function il(e){for(var t=e.s,n=void 0;t!==void 0;){var o=t.p;t.i===-1?(t.S.U(t),o!==void 0&&(o.n=t.n),t.n!==void 0&&(t.n.p=o)):n=t,t.S.n=t.r,t.r!==void 0&&(t.r=void 0),t=o}e.s=n}function Un(e,t){He.call(this,void 0,t),this.x=e,this.s=void 0,this.g=Wr-1,this.f=4}Un.prototype=new He;Un.prototype.h=function(){if(this.f&=-3,1&this.f)return!1;if((36&this.f)==32||(this.f&=-5,this.g===Wr))return!0;if(this.g=Wr,this.f|=1,this.i>0&&!ol(this))return this.f&=-2,!0;var e=Re;try{rl(this),Re=this;var t=this.x();(16&this.f||this.v!==t||this.i===0)&&(this.v=t,this.f&=-17,this.i++)}catch(n){this.v=n,this.f|=16,this.i++}return Re=e,il(this),this.f&=-2,!0};Un.prototype.S=function(e){if(this.t===void 0){this.f|=36;for(var t=this.s;t!==void 0;t=t.n)t.S.S(t)}He.prototype.S.call(this,e)};Un.prototype.U=function(e){if(this.t!==void 0&&(He.prototype.U.call(this,e),this.t===void 0)){this.f&=-33;for(var t=this.s;t!==void 0;t=t.n)t.S.U(t)}};Un.prototype.N=function(){if(!(2&this.f)){this.f|=6;for(var e=this.t;e!==void 0;e=e.x)e.t.N()}};Object.defineProperty(Un.prototype,"value",{get:function(){if(1&this.f)throw new Error("Cycle detected");var e=nl(this);if(this.h(),e!==void 0&&(e.i=this.i),16&this.f)throw this.v;return this.v}});function Bn(e,t){return new Un(e,t)}function sl(e){var t=e.j;if(e.j=void 0,typeof t=="function"){fn++;var n=Re;Re=void 0;try{t()}catch(o){throw e.f&=-2,e.f|=8,ds(e),o}finally{Re=n,Ur()}}}function ds(e){for(var t=e.s;t!==void 0;t=t.n)t.S.U(t);e.x=void 0,e.s=void 0,sl(e)}function Ld(e){if(Re!==this)throw new Error("Out-of-order effect");il(this),Re=e,this.f&=-2;try{8&this.f&&ds(this)}finally{Ur()}}function ko(e,t){this.x=e,this.j=void 0,this.s=void 0,this.u=void 0,this.f=32,this.name=t?.name,er&&er.push(this)}ko.prototype.c=function(){var e=this.S();try{if(8&this.f||this.x===void 0)return;var t=this.x();typeof t=="function"&&(this.j=t)}finally{e()}};ko.prototype.S=function(){if(1&this.f)throw new Error("Cycle detected");this.f|=1,this.f&=-9,sl(this),rl(this),fn++;var e=Re;return Re=this,Ld.bind(this,e)};ko.prototype.N=function(){2&this.f||(this.f|=2,this.u=tr,tr=this)};ko.prototype.d=function(){this.f|=8,1&this.f||ds(this)};ko.prototype.dispose=function(){this.d()};function sn(e,t){var n=new ko(e,t);try{n.c()}catch(r){throw n.d(),r}var o=n.d.bind(n);return o[Symbol.dispose]=o,o}var al,Gr,Br,Od=typeof window<"u"&&!!window.__PREACT_SIGNALS_DEVTOOLS__;var ll=[];sn(function(){al=this.N})();function So(e,t){me[e]=t.bind(null,me[e]||function(){})}function or(e){if(Br){var t=Br;Br=void 0,t()}Br=e&&e.S()}function cl(e){var t=this,n=e.data,o=Nd(n);o.name="ReactiveDom",o.value=n;var r=jr(function(){for(var c=t,d=t.__v;d=d.__;)if(d.__c){d.__c.__$f|=4;break}var h=Bn(function(){var _=o.value.value;return _===0?0:_===!0?"":_||""}),m=Bn(function(){return!Array.isArray(h.value)&&!Zi(h.value)}),g=sn(function(){if(this.N=ul,m.value){var _=h.value;c.__v&&c.__v.__e&&c.__v.__e.nodeType===3&&(c.__v.__e.data=_)}}),b=t.__$u.d;return t.__$u.d=function(){g(),b.call(this)},[m,h]},[]),i=r[0],a=r[1];return i.value?a.peek():a.value}cl.displayName="ReactiveTextNode";Object.defineProperties(He.prototype,{constructor:{configurable:!0,value:zr(Wn,null).constructor},type:{configurable:!0,value:cl},props:{configurable:!0,get:function(){var e=this;return{data:{get value(){return e.value}}}}},__b:{configurable:!0,value:1}});So("__b",function(e,t){if(or(),Gr=void 0,typeof t.type=="string"){var n,o=t.props;for(var r in o)if(r!=="children"){var i=o[r];i instanceof He&&(n||(t.__np=n={}),n[r]=i,o[r]=i.peek())}}e(t)});So("__r",function(e,t){if(e(t),t.type!==Wn){or();var n,o=t.__c;o&&(o.__$f&=-2,(n=o.__$u)===void 0&&(o.__$u=n=(function(r,i){var a;return sn(function(){a=this},{name:i}),a.c=r,a})((function(r){return function(){var i;Od&&((i=this.y)==null||i.call(this)),r.__$f|=1,r.setState({})}})(o),typeof t.type=="function"?t.type.displayName||t.type.name:""))),Gr=o,or(n)}});So("__e",function(e,t,n,o){or(),Gr=void 0,e(t,n,o)});So("diffed",function(e,t){or(),Gr=void 0;var n;if(typeof t.type=="string"&&(n=t.__e)){var o=t.__np,r=t.props,i=n.U;if(i)for(var a in i){var c=i[a];c===void 0||o&&a in o||(c.d(),i[a]=void 0)}if(o){i||(i={},n.U=i);for(var d in o){var h=i[d],m=o[d];h===void 0?(h=Fd(n,d,m,r),i[d]=h):h.o(m,r)}}}e(t)});function Fd(e,t,n,o){var r=t in e&&e.ownerSVGElement===void 0,i=kt(n);return{o:function(a,c){i.value=a,o=c},d:sn(function(){this.N=ul;var a=i.value.value;o[t]!==a&&(o[t]=a,r?e[t]=a:a!=null&&(a!==!1||t[4]==="-")?e.setAttribute(t,a):e.removeAttribute(t))})}}So("unmount",function(e,t){if(typeof t.type=="string"){var n=t.__e;if(n){var o=n.U;if(o){n.U=void 0;for(var r in o){var i=o[r];i&&i.d()}}}var a=t.__np;if(a){var c=t.props;for(var d in a)c[d]=a[d]}t.__np=void 0}else{var h=t.__c;if(h){h.__$f|=8;var m=h.__$u;m&&(h.__$u=void 0,m.d())}}e(t)});So("__h",function(e,t,n,o){o<3&&(t.__$f|=2),e(t,n,o)});kn.prototype.shouldComponentUpdate=function(e,t){if(this.__R)return!0;var n=this.__$u,o=n&&n.s!==void 0;for(var r in t)return!0;if(this.__f||typeof this.u=="boolean"&&this.u===!0){var i=2&this.__$f;if(!(o||i||4&this.__$f)||1&this.__$f)return!0}else if(!(o||4&this.__$f)||3&this.__$f)return!0;for(var a in e)if(a!=="__source"&&e[a]!==this.props[a])return!0;for(var c in this.props)if(!(c in e))return!0;return!1};function Nd(e,t){return jr(function(){return kt(e,t)},[])}var zd=function(e){queueMicrotask(function(){queueMicrotask(e)})};function Id(){us(function(){for(var e;e=ll.shift();)al.call(e)})}function ul(){ll.push(this)===1&&(me.requestAnimationFrame||zd)(Id)}var it=class extends Error{constructor(n,o,r){super(r);this.status=n;this.code=o}status;code;get hint(){return jd[this.status]??(this.status>=500?"The log of the router says more.":"")}},jd={0:"Is it running, and can this browser reach it? This page goes on by itself when it answers.",401:"Log in again.",403:"The present login lacks the scope for this; log in with a token that has it.",404:"It is switched off in the configuration, or there is none of this name.",409:"Look at its state: it may have changed meanwhile.",429:"Wait a moment; this page tries again.",503:"The router is busy, starting or stopping; this page tries again."},St=kt(null),dl={authenticated:!0,open:!0,password:!1,scopes:[],sites:null,csrf:""},pl={...dl,authenticated:!1,open:!1};async function rr(){try{St.value=await ir("/api/session")}catch(e){let t=e instanceof it&&e.status===404;if(St.value=t?{...dl}:{...pl,password:!0},!t&&e.status===0)throw e}}async function fl(e){await ps("POST","/api/session",JSON.stringify(e)),await rr()}async function ml(){await ps("DELETE","/api/session"),await rr()}var To=()=>{let e=St.value;return!!e&&(e.open||e.scopes.includes("admin"))};function We(e,t){let n=new URLSearchParams;for(let[r,i]of Object.entries(t))for(let a of Array.isArray(i)?i:[i])a!==void 0&&a!==""&&n.append(r,String(a));let o=n.toString();return o?`${e}?${o}`:e}var ir=(e,t)=>gl(e,t?{signal:t}:{}),Gn=e=>ps("POST",e);function ps(e,t,n){let o={};return St.value?.csrf&&(o["X-OpenTrack-CSRF"]=St.value.csrf),n!==void 0&&(o["Content-Type"]="application/json"),gl(t,n===void 0?{method:e,headers:o}:{method:e,headers:o,body:n})}var hl=async e=>(await vl(e,{})).text();async function gl(e,t){let o=await(await vl(e,t)).text();return o?JSON.parse(o):void 0}async function vl(e,t){let n=await fetch(e,{...t,cache:"no-store",credentials:"same-origin"}).catch(r=>{throw r instanceof DOMException&&r.name==="AbortError"?r:new it(0,"unreachable","The router does not answer.")});if(n.ok||e==="/ready"&&n.status===503)return n;let o=await Vd(n);throw n.status===401&&e!=="/api/session"&&St.value?.authenticated&&(St.value={...pl,password:!0},rr().catch(()=>{})),o}async function Vd(e){let t=await e.json().catch(()=>({}));return new it(e.status,t.code??"",t.message??`The router answered ${e.status}.`)}function ee(e,t){let[n,o]=U({path:e,data:void 0,trouble:void 0}),r=rt(()=>{});nt(()=>{if(e===null)return;let a=new AbortController,c,d=!1,h=async()=>{if(clearTimeout(c),d)return;d=!0;let g=document.hidden?{}:await Hd(e,a.signal);if(d=!1,a.signal.aborted)return;"data"in g?o({path:e,data:g.data,trouble:void 0}):g.trouble&&o(_=>({path:e,data:_.path===e?_.data:void 0,trouble:g.trouble}));let b=t||(g.trouble?5e3:0);b&&(c=setTimeout(h,b))},m=()=>!document.hidden&&void h();return r.current=()=>{h()},document.addEventListener("visibilitychange",m),h(),()=>{a.abort(),clearTimeout(c),document.removeEventListener("visibilitychange",m)}},[e,t]);let i=n.path===e;return{data:i?n.data:void 0,trouble:i?n.trouble:void 0,reload:()=>r.current()}}async function Hd(e,t){try{return{data:await ir(e,t)}}catch(n){return t.aborted?{}:{trouble:n instanceof it?n:new it(0,"unreadable","The answer cannot be read.")}}}var Wd=/^(flowing|retrying|throttled|held|paused|draining|off)\b/,sr=({message:e})=>Wd.test(e);var _l="opentrack.console.";function Ud(e){try{return localStorage.getItem(_l+e)}catch{return null}}function ms(e,t,n){let o=Ud(e),r=kt(o!==null&&n(o)?o:t);return sn(()=>{let i=r.value;try{localStorage.setItem(_l+e,i)}catch{}}),r}var bl=Intl.DateTimeFormat().resolvedOptions().timeZone||"UTC";function Bd(e){try{return new Intl.DateTimeFormat("en",{timeZone:e}),!0}catch{return!1}}var Gd=["auto","light","dark"],ar=ms("theme","auto",e=>Gd.includes(e)),se=ms("zone",bl,Bd),Kt=ms("site","",()=>!0);function $l(){let e=typeof Intl.supportedValuesOf=="function"?Intl.supportedValuesOf("timeZone"):[];return[...new Set([bl,"UTC",se.value,...e])]}var fs=matchMedia("(prefers-color-scheme: dark)"),yl=kt(fs.matches);fs.addEventListener("change",()=>yl.value=fs.matches);var Kr=kt(!1);sn(()=>{Kr.value=ar.value==="dark"||ar.value==="auto"&&yl.value,document.documentElement.dataset.theme=Kr.value?"dark":"light"});var Ue=kt(Date.now());setInterval(()=>{document.hidden||(Ue.value=Date.now())},1e3);var Kn=navigator.language,lr=new Intl.NumberFormat(Kn),Kd=new Intl.NumberFormat(Kn,{notation:"compact",maximumSignificantDigits:3}),qr=new Intl.NumberFormat(Kn,{maximumFractionDigits:1}),qd=new Intl.NumberFormat(Kn,{style:"percent",maximumFractionDigits:1}),Yd=new Intl.DisplayNames(Kn,{type:"region",fallback:"none"}),Z=e=>lr.format(e),Ae=e=>Math.abs(e)<1e4?lr.format(Math.round(e)):Kd.format(e),qt=e=>qd.format(e),Yr=e=>qr.format(e);function Po(e){let t=e,n="B";for(let o of["KiB","MiB","GiB","TiB"]){if(t<1023.5)break;t/=1024,n=o}return`${n==="B"||t>=9.95?lr.format(Math.round(t)):qr.format(t)} ${n}`}var wl=[[864e5,"d"],[36e5,"h"],[6e4,"m"],[1e3,"s"]];function Ne(e){let t=wl.findIndex(([r])=>e>=r);if(t<0)return"0s";let n=e,o=[];for(let[r,i]of wl.slice(t,t+2))n>=r&&o.push(`${Math.floor(n/r)}${i}`),n%=r;return o.join(" ")}var Co=e=>e<1e3?`${lr.format(Math.round(e))} ms`:`${qr.format(e/1e3)} s`;function qn(e){return e>0&&e<.05?"<0.1/s":`${e>=9.95?lr.format(Math.round(e)):qr.format(e)}/s`}function Yn(e,t){let n=Number(e);try{return new Intl.NumberFormat(Kn,{style:"currency",currency:t}).format(n)}catch{return`${e} ${t}`}}function Tn(e){return!/^[A-Z]{2}$/.test(e)||e==="ZZ"?"Unknown":Yd.of(e)??e}var xl=new Map;function cr(e,t,n){let o=t+JSON.stringify(n),r=xl.get(o);r||(r=new Intl.DateTimeFormat(Kn,{...n,timeZone:t}),xl.set(o,r));let i=new Date(e);return Number.isNaN(i.getTime())?String(e):r.format(i)}var pt=(e,t)=>cr(e,t,{dateStyle:"medium",timeStyle:"medium"}),Pn=(e,t)=>cr(e,t,{hour:"2-digit",minute:"2-digit",second:"2-digit"}),ur=(e,t)=>cr(e,t,{hour:"2-digit",minute:"2-digit"}),hs=(e,t)=>cr(e,t,{day:"numeric",month:"short"}),kl=(e,t)=>cr(e,t,{weekday:"short",hour:"2-digit",minute:"2-digit"});function Tt(e,t){let n=t-new Date(e).getTime();return n<1e3?"just now":`${Ne(n)} ago`}var Tl=function(e,t,n,o){var r;t[0]=0;for(var i=1;i<t.length;i++){var a=t[i++],c=t[i]?(t[0]|=a?1:2,n[t[i++]]):t[++i];a===3?o[0]=c:a===4?o[1]=Object.assign(o[1]||{},c):a===5?(o[1]=o[1]||{})[t[++i]]=c:a===6?o[1][t[++i]]+=c+"":a?(r=e.apply(c,Tl(e,c,n,["",null])),o.push(r),c[0]?t[0]|=2:(t[i-2]=0,t[i]=r)):o.push(c)}return o},Sl=new Map;function Pl(e){var t=Sl.get(this);return t||(t=new Map,Sl.set(this,t)),(t=Tl(this,t.get(e)||(t.set(e,t=(function(n){for(var o,r,i=1,a="",c="",d=[0],h=function(b){i===1&&(b||(a=a.replace(/^\s*\n\s*|\s*\n\s*$/g,"")))?d.push(0,b,a):i===3&&(b||a)?(d.push(3,b,a),i=2):i===2&&a==="..."&&b?d.push(4,b,0):i===2&&a&&!b?d.push(5,0,!0,a):i>=5&&((a||!b&&i===5)&&(d.push(i,0,a,r),i=6),b&&(d.push(i,b,0,r),i=6)),a=""},m=0;m<n.length;m++){m&&(i===1&&h(),h(m));for(var g=0;g<n[m].length;g++)o=n[m][g],i===1?o==="<"?(h(),d=[d],i=3):a+=o:i===4?a==="--"&&o===">"?(i=1,a=""):a=o+a[0]:c?o===c?c="":a+=o:o==='"'||o==="'"?c=o:o===">"?(h(),i=1):i&&(o==="="?(i=5,r=a,a=""):o==="/"&&(i<5||n[m][g+1]===">")?(h(),i===3&&(d=d[0]),i=d,(d=d[0]).push(2,0,i),i=0):o===" "||o==="	"||o===`
`||o==="\r"?(h(),i=2):a+=o),i===3&&a==="!--"&&(i=4,d=d[0])}return h(),d})(e)),t),arguments,[])).length>1?t:t[0]}var u=Pl.bind(zr),dr=(...e)=>e.filter(Boolean).join(" "),Jd=/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,Jr=e=>e.replace(Jd,"�"),M=({text:e,empty:t="–"})=>e?u`<bdi>${Jr(e)}</bdi>`:u`<span class="muted">${t}</span>`;var de=({title:e,tools:t,flush:n,children:o,...r})=>u`<section class=${dr("panel",r.class)} aria-label=${e}>
    <header>
      <h2>${e}</h2>
      ${t}
    </header>
    <div class=${n?"flush":"body"}>${o}</div>
  </section>`,ge=({what:e,next:t})=>u`<div class="empty"><strong>${e}</strong>${t&&u`<span>${t}</span>`}</div>`,zt=({trouble:e})=>e?u`<div class="notice bad" role="alert">
        <div><strong>${Jn(e.message)}</strong> ${e.hint}</div>
      </div>`:null;function Jn(e){let t=e.charAt(0).toUpperCase()+e.slice(1);return/[.!?]$/.test(t)?t:`${t}.`}function Se({of:e,children:t}){return e.data===void 0&&!e.trouble?u`<p class="waiting" role="status">Loading…</p>`:u`<${zt} trouble=${e.trouble} />${e.data!==void 0&&t(e.data)}`}var _t=({of:e,compact:t})=>u`<dl class=${dr("figures",t&&"compact")}>
    ${e.map(({name:n,value:o,beside:r,tone:i})=>u`<div key=${n}>
          <dt>${n}</dt>
          <dd>${o}${r!==void 0&&u`<small class=${i??""}>${r}</small>`}</dd>
        </div>`)}
  </dl>`,ft=({label:e,of:t,value:n,choose:o,tabs:r})=>u`<div class=${r?"tabs":"choice"} role="group" aria-label=${e}>
    ${t.map(([i,a])=>u`<button key=${i} type="button" aria-pressed=${i===n} onClick=${()=>o(i)}>
          ${a}
        </button>`)}
  </div>`;function Eo({parts:e,label:t}){let n=0;return u`<svg class="meter" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label=${t}>
    ${e.map(({tone:o,share:r})=>{let i=n;return n+=r*100,u`<rect class=${o} x=${i} y="0" width=${Math.max(0,r*100)} height="1" />`})}
  </svg>`}var mn=({label:e,head:t,children:n})=>u`<div class="scroll" tabindex="0" role="region" aria-label=${e}>
    <table>
      <thead>
        <tr>
          ${t.map(([o,r])=>u`<th scope="col" class=${r?"num":""}>${o}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${n}
      </tbody>
    </table>
  </div>`;var gs=kt(location.hash);addEventListener("hashchange",()=>gs.value=location.hash);var It=Bn(()=>{let[e="",t=""]=gs.value.replace(/^#\/?/,"").split("?"),[n="",...o]=e.split("/");return{page:n||"live",detail:Zd(o.join("/")),query:new URLSearchParams(t)}}),jg=Bn(()=>It.value.query.toString());function Zd(e){try{return decodeURIComponent(e)}catch{return e}}function Pt(e,t="",n={}){let o=new URLSearchParams(Object.entries(n).filter(([,r])=>r!=="")).toString();return`#/${e}${t&&`/${encodeURIComponent(t)}`}${o&&`?${o}`}`}function Zr(e){let{page:t,detail:n,query:o}=It.value;history.replaceState(null,"",Pt(t,n,{...Object.fromEntries(o),...e})),gs.value=location.hash}var Qd=6e4;function Qr(){let{data:e}=ee("/api/sources",Qd),t=(e?.sources??[]).map(({name:r})=>r),n=Kt.value;if(t.length===0&&!n)return null;let o=n&&!t.includes(n)?[...t,n]:t;return u`<select
    aria-label="Source"
    value=${n}
    onChange=${r=>Kt.value=r.target.value}
  >
    <option value="">All sources</option>
    ${o.map(r=>u`<option key=${r} value=${r}>${r}</option>`)}
  </select>`}var Cl=[["1","Today"],["7","7 days"],["30","30 days"],["365","12 months"]],Xd="7";function Xr(e){let t=new Intl.DateTimeFormat("en-CA",{timeZone:se.value,year:"numeric",month:"2-digit",day:"2-digit"}).format(Date.now()),n=new Date(`${t}T12:00:00Z`);return n.setUTCDate(n.getUTCDate()-e),n.toISOString().slice(0,10)}function an(){let{query:e}=It.value,t=e.get("period")??"",n=Cl.some(([r])=>r===t)?t:Xd,o=Number(n);return{key:n,days:o,isHourly:o===1,filters:e.getAll("filter").filter(Boolean),now:{from:Xr(o-1),to:Xr(0)},before:{from:Xr(2*o-1),to:Xr(o)}}}function st(e,t={},n="now"){let o=an();return We(`/api/stats/${e}`,{site:Kt.value,...o[n],tz:se.value,filter:o.filters,...t})}function ei(e,t){let n=`${e}:${t}`,[o]=an().filters;Zr({filter:o===n?"":n})}var Cn=({title:e,isFiltered:t})=>u`<div class="top">
    <h1>${e}</h1>
    <${Qr} />
    <${ft} label="Period" of=${Cl} value=${an().key} choose=${n=>Zr({period:n})} />
    ${t&&an().filters.map(n=>u`<button key=${n} type="button" aria-label=${`Remove the filter ${n}`} onClick=${()=>Zr({filter:""})}><${M} text=${n.replace(":",": ")} /> ×</button>`)}
  </div>`;function ti(e,t){if(t===void 0)return;if(t===0)return{beside:e===0?"as before":"none before",tone:void 0};let n=(e-t)/t;return{beside:`${new Intl.NumberFormat(navigator.language,{style:"percent",maximumFractionDigits:0,signDisplay:"exceptZero"}).format(n)} to before`,tone:n===0?void 0:n>0?"good":"bad"}}var vs=3e4,ep=1e4;function El(){return u`<${Cn} title="Commerce" />
    <div class="stack"><div class="grid wide"><${tp} /><${op} /></div>
    <${rp} /></div>`}function tp(){let e=ee(st("funnel"),vs);return u`<${de} title="Funnel">
    <${Se} of=${e}>
      ${({rows:t})=>(t[0]?.visitors??0)===0?u`<${ge}
              what="Nobody took the first step in this time."
              next=${u`Send Segment's ecommerce events: “Product Viewed”, “Product Added”, “Checkout Started”, “Order Completed”.`}
            />`:u`<ol class="funnel">
              ${t.map((n,o)=>u`<${np} key=${n.step} step=${n} at=${o} />`)}
            </ol>`}
    <//>
  <//>`}var np=({step:e,at:t})=>u`<li>
    <div class="line">
      <strong><${M} text=${e.step} /></strong>
      <span>${Z(e.visitors)} visitors</span>
      <span class="muted"
        >${qt(e.conversion)} of all${t>0&&`, ${qt(e.step_conversion)} of the step before`}</span
      >
    </div>
    <${Eo} label=${`${e.step}: ${qt(e.conversion)}`} parts=${[{tone:"a",share:e.conversion}]} />
  </li>`;function op(){let e=ee(We("/api/stats/realtime",{site:Kt.value}),ep),t=ee(st("events",{filter:"event:Cart Abandoned"}),vs),n=t.data?.rows.find(({event:o})=>o==="Cart Abandoned")?.count??0;return u`<${de} title="Carts"><div class="stack">
    <${_t}
      of=${[{name:"Open now",value:e.data?Ae(e.data.totals.carts):"–",beside:"with something in them"},{name:"Abandoned",value:t.data?Ae(n):"–",beside:"in this period"}]}
    />
    <p class="muted small">
      A cart that is untouched for an hour becomes the event “Cart Abandoned”, which every destination gets.
    </p></div>
  <//>`}function rp(){let e=ee(st("revenue"),vs),t=ee(st("revenue",{},"before"),0);return u`<${de} title="Revenue by currency" flush>
    <${Se} of=${e}>
      ${({rows:n})=>n.length===0?u`<${ge}
              what="No order in this time."
              next="“Order Completed” with revenue, total or value counts as one."
            />`:u`<${mn} label="Revenue by currency" head=${ip}
              >${n.map(o=>u`<${sp} key=${o.currency} row=${o} before=${t.data?.rows.find(({currency:r})=>r===o.currency)} />`)}<//
            >`}
    <//>
  <//>`}var ip=[["Currency"],["Orders",!0],["Gross",!0],["Refunds",!0],["Net",!0],["Average order",!0],["Net to before",!0]];function sp({row:e,before:t}){let n=ti(Number(e.net),t&&Number(t.net));return u`<tr>
    <td><${M} text=${e.currency} /></td>
    <td class="num">${Z(e.orders)}</td>
    <td class="num">${Yn(e.gross,e.currency)}</td>
    <td class="num">${Yn(e.refunds,e.currency)}</td>
    <td class="num"><strong>${Yn(e.net,e.currency)}</strong></td>
    <td class="num">${Yn(e.aov,e.currency)}</td>
    <td class=${`num ${n?.tone??"muted"}`}>${n?.beside.replace(" to before","")??"none"}</td>
  </tr>`}var ap={delivered:"good",pending:"",in_flight:"",skipped:"quiet",retrying:"warn",held:"bad",dead:"bad",refused:"bad",broken:"bad",transient:"warn",throttled:"warn",flowing:"good",paused:"warn",draining:"warn",off:"quiet"},Ro=e=>ap[e]??"",Ct=({word:e,text:t,title:n})=>u`<span class=${`chip ${Ro(e)}`} title=${n&&Jr(n)}
    >${Jr(t??e).replaceAll("_"," ")}</span
  >`;function Rl(e){let t=rt(null);return nt(()=>{let n=t.current,o=document.activeElement;return n?.showModal(),n?.addEventListener("close",e),()=>{n?.removeEventListener("close",e),n?.close(),o instanceof HTMLElement&&o.focus()}},[]),t}function pr({title:e,act:t,danger:n,confirm:o,run:r,close:i,children:a}){let c=Rl(i),[d,h]=U(),[m,g]=U(""),[b,_]=U(!1);return u`<dialog ref=${c} aria-labelledby="ask-title">
    <form onSubmit=${async T=>{T.preventDefault(),_(!0);try{await r(new FormData(T.currentTarget)),i()}catch(C){h(C instanceof it?C:new it(0,"",String(C))),_(!1)}}}>
      <h2 id="ask-title">${e}</h2>
      ${a}
      ${o!==void 0&&u`<label class="field"
          ><span>Type <code>${o}</code> to confirm</span>
          <input
            autocomplete="off"
            value=${m}
            onInput=${T=>g(T.target.value)}
        /></label>`}
      <${zt} trouble=${d} />
      <div class="actions">
        <button type="button" onClick=${i}>Cancel</button>
        <button
          class=${n?"danger":"main-action"}
          disabled=${b||o!==void 0&&m!==o}
        >
          ${t}
        </button>
      </div>
    </form>
  </dialog>`}function ni({title:e,close:t,children:n}){let o=Rl(t);return u`<dialog class="sheet" ref=${o} aria-labelledby="sheet-title">
    <header>
      <h2 id="sheet-title">${e}</h2>
      <button type="button" onClick=${t}>Close</button>
    </header>
    <div class="content">${n}</div>
  </dialog>`}function ln({run:e,children:t,label:n,disabled:o,class:r=""}){let[i,a]=U(),[c,d]=U(!1);return u`<button type="button" class=${r} disabled=${o||c} aria-label=${n} onClick=${async()=>{d(!0),a(void 0);try{await e()}catch(m){a(m instanceof it?m:new it(0,"",String(m)))}d(!1)}}>
      ${t}
    </button>
    ${i&&u`<${zt} trouble=${i} />`}`}var oi=(e,t)=>`/api/destinations/${encodeURIComponent(e)}/${t}`;function Ml({of:e,done:t}){let[n,o]=U("");if(!To())return u`<p class="small muted">
      To order something here, log in with a token of the scope <code>admin</code>.
    </p>`;let r=c=>async()=>{await Gn(oi(e.name,c)),t()},i=e.state==="paused",a=e.backlog.events>0;return u`<div class="bar">
    ${i?u`<${ln} key="resume" class="main-action" run=${r("resume")}>Resume<//>`:u`<${ln} key="pause" run=${r("pause")}>Pause<//>`}
    ${!i&&e.state!=="flowing"&&u`<${ln} class="main-action" run=${r("retry")}>Retry now<//>`}
    <button type="button" onClick=${()=>o("replay")}>Replay…</button>
    ${a&&u`<button type="button" class="danger" onClick=${()=>o("drop")}>Drop backlog…</button>`}
    ${n==="replay"&&u`<${lp} name=${e.name} close=${()=>o("")} done=${t} />`}
    ${n==="drop"&&u`<${pr}
        title=${`Drop what waits for ${e.name}`}
        act="Drop for good"
        danger
        confirm=${e.name}
        close=${()=>o("")}
        run=${async()=>{await Gn(We(oi(e.name,"drop"),{confirm:e.name})),t()}}
      >
        <p>
          ${Z(e.backlog.events)} events will never be sent to this destination, and count as lost. Other
          destinations get them all the same.
        </p>
      <//>`}
  </div>`}var Al=({name:e,done:t})=>To()?u`<${ln}
        run=${async()=>{await Gn(We(oi(e,"replay"),{stop:"true"})),t()}}
        >Stop replay<//
      >`:null;function lp({name:e,close:t,done:n}){let o=async r=>{let i=d=>String(r.get(d)??"").trim(),a=d=>i(d)?new Date(i(d)).toISOString():"",c=i("filter").split(",").map(d=>d.trim());await Gn(We(oi(e,"replay"),{from:a("from"),until:a("until"),filter:c,rate:i("rate")})),n()};return u`<${pr} title=${`Replay to ${e}`} act="Replay" close=${t} run=${o}>
    <p class="muted">Sends stored events again, to this destination alone and with the same ids, beside what is new.</p>
    <div class="two">
      <label class="field"><span>From (this browser's time)</span><input type="datetime-local" name="from" /></label>
      <label class="field"><span>Until</span><input type="datetime-local" name="until" /></label>
    </div>
    <label class="field"
      ><span>Only these events, separated by commas (empty: all)</span
      ><input name="filter" placeholder="track:Order *, identify"
    /></label>
    <label class="field"
      ><span>Most events per second (empty: as fast as it goes)</span><input name="rate" type="number" min="1" step="1"
    /></label>
  <//>`}function Ll({of:e,reload:t}){return u`<section class="panel destination" aria-label=${e.name}>
    <header>
      <h3><${M} text=${e.name} /> <span class="muted small">${e.type}</span></h3>
      <${Ct} word=${e.state} />
    </header>
    <div class="body">
      <${up} of=${e} />
      ${e.enabled&&u`<${_t} compact of=${dp(e)} />`}
      <${fp} of=${e} />
      <${Dl} name="Skipped" of=${e.counts.skipped} />
      <${Dl} name="Dead" of=${e.counts.dead} />
      ${e.replay&&u`<${mp} of=${e.replay} name=${e.name} done=${t} />`}
      ${e.enabled&&u`<${Ml} of=${e} done=${t} />`}
    </div>
  </section>`}var _s={unauthorized:"The other side does not accept the key. Put a good one into the configuration, then retry.",forbidden:"The key lacks a right. Give it that right on the other side, then retry.",preparing:"It has just begun.",paused:"An operator has paused it."},cp={retrying:"The other side fails. Events wait in the journal and are tried again by themselves",throttled:"The other side asks for less. Events wait in the journal until it takes more",held:"It cannot go on. Events wait in the journal until the cause is gone"};function up({of:e}){if(!e.enabled)return u`<p class="muted">
      It is switched off: nothing is sent. Its required settings are empty, or <code>enabled = false</code>.
    </p>`;if(e.state==="flowing")return null;let t=e.reason??"",n=t===e.last_error?.message?cp[e.state]:t.replaceAll("_"," "),o=_s[t]??(e.last_error?.status===401?_s.unauthorized:e.last_error?.status===403?_s.forbidden:void 0);if(!n&&!o)return null;let r=e.state==="held"&&t!=="preparing";return u`<div class=${r?"notice bad":"notice warn"}>
    <div>
      <strong><${M} text=${Jn(n||e.state)} /></strong> ${o}
    </div>
  </div>`}function dp(e){let t=e.backlog.events>0;return[{name:"Backlog",value:Ae(e.backlog.events),beside:t?Po(e.backlog.bytes):"nothing waits"},{name:"Oldest",value:t?Ne(e.oldest_age_ms):"–",beside:e.drain_eta_ms!==null&&t?`through in ${Ne(Math.max(1e3,e.drain_eta_ms))}`:void 0},{name:"Rate",value:qn(e.rate.out),beside:`${qn(e.rate.in)} in`},{name:"Delivered",value:Ae(e.counts.delivered),beside:e.concurrency&&`${e.concurrency.limit} of ${e.concurrency.cap} at once`},{name:"Breaker",value:e.breaker.state.replace("_","-"),beside:pp(e),tone:e.breaker.state==="closed"?void 0:"bad"},e.next_attempt_at?{name:"Next attempt",value:Ol(e.next_attempt_at),beside:void 0}:null,e.holds_journal?{name:"Holds the journal",value:`${e.holds_journal.percent} %`,beside:e.holds_journal.full_in_ms===null?"not growing":`full in ${Ne(e.holds_journal.full_in_ms)}`,tone:"bad"}:null].filter(o=>!!o)}var Ol=e=>{let t=new Date(e).getTime()-Ue.value;return t<=0?"now":`in ${Ne(Math.max(1e3,t))}`};function pp({breaker:e}){let t=e.failures>0?`${Z(e.failures)} failed in a row`:"",n=e.reopens_at?`tries ${Ol(e.reopens_at)}`:"";return[t,n].filter(Boolean).join(", ")||void 0}function fp({of:e}){let t=e.last_error;return t?u`<div>
    <p class="small muted">
      Last error,${" "}
      <time datetime=${t.at} title=${pt(t.at,se.value)}>${Tt(t.at,Ue.value)}</time
      >${t.status!==null&&u`, status <strong>${t.status}</strong>`}
    </p>
    <pre class="words" tabindex="0"><${M} text=${t.message} empty="no words" /></pre>
  </div>`:null}function Dl({name:e,of:t}){let n=Object.entries(t);return n.length===0?null:u`<p class="reasons">
    ${e}
    ${n.map(([o,r])=>u`<span key=${o}
          ><code><${M} text=${o} /></code> <strong>${Z(r)}</strong></span
        >`)}
  </p>`}function mp({of:e,name:t,done:n}){let o=Math.max(1,e.until-e.from),r=Math.min(1,Math.max(0,(e.position-e.from)/o));return u`<div>
    <p class="reasons">
      <strong>Replay</strong> <${Ct} word=${e.state} /> ${Z(e.delivered)} delivered, ${Z(e.dead)} dead,${" "}
      ${Z(e.left)} left <${Al} name=${t} done=${n} />
    </p>
    <${Eo} label=${`${Math.round(r*100)} % replayed`} parts=${[{tone:"a",share:r}]} />
    ${e.reason&&u`<p class="small"><${M} text=${e.reason} /></p>`}
  </div>`}var ri=64;function Nl({sources:e,destinations:t,chosen:n}){let o=Math.max(1,e.length),r=Math.max(o,t.length)*ri,i=Math.max(0,...t.map(({rate:a})=>a.in));return u`<section class="graph" aria-label="The way of events">
    <ul aria-label="Sources">
      ${e.length===0&&u`<li>
          <a class="node" href=${Pt("sources")}><strong>Any source</strong><small>keys and snippets</small></a>
        </li>`}
      ${e.map(a=>u`<li key=${a.name}><${hp} of=${a} /></li>`)}
    </ul>
    <${Fl} count=${o} height=${r} kind=${()=>i>0?"flows moves":""} />
    <div class="hub"><strong>Router</strong><small>${qn(i)} in</small></div>
    <${Fl} isRight count=${t.length} height=${r} kind=${a=>vp(t[a])} />
    <ul aria-label="Destinations">
      ${t.map(a=>u`<li key=${a.name}><${gp} of=${a} isChosen=${a.name===n} /></li>`)}
    </ul>
  </section>`}var hp=({of:e})=>u`<a class="node" href=${Pt("sources",e.name)}>
    <strong><${M} text=${e.name} /></strong><small>${Ae(e.events_total)} events</small>
    <small>${e.last_event_at?Tt(e.last_event_at,Ue.value):"nothing yet"}</small>
  </a>`;function gp({of:e,isChosen:t}){let{backlog:n,oldest_age_ms:o}=e;return u`<a
    class=${dr("node",Ro(e.state))}
    href=${t?Pt("destinations"):Pt("destinations",e.name)}
    aria-current=${t?"true":void 0}
  >
    <strong><${M} text=${e.name} /></strong><${Ct} word=${e.state} />
    <small>
      ${e.enabled?n.events>0?`${qn(e.rate.out)} out · ${Ae(n.events)} wait, ${Ne(o)}`:`${qn(e.rate.out)} out · nothing waits`:e.type}
    </small>
  </a>`}function vp({state:e,enabled:t,rate:n}){return t?e==="flowing"?`flows${n.out>0?" moves":""}`:Ro(e):"off"}function Fl({isRight:e,count:t,height:n,kind:o}){let r=n/2,i=(n-t*ri)/2+ri/2,a=c=>{let d=i+c*ri,[h,m]=e?[r,d]:[d,r];return`M0 ${h} C50 ${h} 50 ${m} 100 ${m}`};return u`<svg viewBox=${`0 0 100 ${n}`} preserveAspectRatio="none" aria-hidden="true">
    ${Array.from({length:t},(c,d)=>u`<path key=${d} class=${o(d)} d=${a(d)} />`)}
  </svg>`}var _p=2e3;function ii({id:e,close:t}){let n=ee(`/api/events/${encodeURIComponent(e)}`,_p);return u`<${ni} title=${u`Event <code><${M} text=${e} /></code>`} close=${t}>
    <${Se} of=${n}>${o=>u`<${bp} journey=${o} />`}<//>
  <//>`}function bp({journey:e}){let t=Object.entries(e.destinations??{});return u`<ol class="path">
      ${e.rejected?u`<${yp} of=${e.rejected} />`:u`<${$p} journey=${e} />`}
      ${t.map(([n,o])=>u`<${wp} key=${n} name=${n} fate=${o} />`)}
    </ol>
    ${!e.rejected&&t.length===0&&u`<p class="muted">No destination is configured: the event is kept in the journal.</p>`}
    ${e.event!==void 0&&u`<section aria-label="The event">
        <h3>The event</h3>
        <${fr} value=${e.event} />
      </section>`}`}var $p=({journey:e})=>u`<li class="good">
    <div class="line">
      <strong>Accepted</strong>
      ${e.source&&u`<span>from <${M} text=${e.source} /></span>`}
      ${e.received_at&&u`<span class="muted small">${pt(e.received_at,se.value)}</span>`}
    </div>
  </li>`,yp=({of:e})=>u`<li class="bad">
    <div class="line"><strong>Rejected</strong><${Ct} word="dead" text=${e.code} /></div>
    <p><${M} text=${Jn(e.message)} /> ${e.path&&u`<code><${M} text=${e.path} /></code>`}</p>
  </li>`;function wp({name:e,fate:t}){let n=t.next_attempt_at?new Date(t.next_attempt_at).getTime()-Ue.value:0;return u`<li class=${Ro(t.fate)}>
    <div class="line">
      <strong><${M} text=${e} /></strong><${Ct} word=${t.fate} />
      ${t.reason&&u`<code><${M} text=${t.reason} /></code>`}
      ${t.table&&u`<span class="muted small"
          >table <code><${M} text=${t.table} /></code
        ></span>`}
      ${n>0&&u`<span class="muted small">next attempt in ${Ne(n)}</span>`}
    </div>
    ${t.attempts.map((o,r)=>u`<div class="try" key=${r}>
          <span class="small muted">
            Attempt ${r+1} · ${Pn(o.at,se.value)} · ${o.status??"no status"}
            ${o.latency_ms!==null&&o.latency_ms!==void 0&&u` · ${Co(o.latency_ms)}`}
          </span>
          ${o.answer&&u`<pre class="words" tabindex="0"><${M} text=${o.answer} /></pre>`}
        </div>`)}
  </li>`}var fr=({value:e})=>u`<pre
    class="words json"
    tabindex="0"
  ><${M} text=${typeof e=="string"?e:JSON.stringify(e,null,2)} /></pre>`;var xp=5e3,Il=50;function jl({destinations:e,chosen:t,settled:n}){let[o,r]=U(t),[i,a]=U(""),[c,d]=U(!1),[h,m]=U(""),[g,b]=U(""),_={destination:o,reason:i},x=ee(We("/api/dead-letters",{..._,limit:Il}),xp),T=async(y,A)=>{let{count:k,left:q}=await Gn(We(`/api/dead-letters/${y}`,A));m(`${Z(k)} ${y==="retry"?"sent again":"dropped"}${q?`, ${Z(q)} stay: their destination is off or gone`:""}.`),x.reload(),n()},C=[...new Set(e.flatMap(({counts:y})=>Object.keys(y.dead)))].sort(),E=u`<div class="bar">
    <${zl}
      label="Destination"
      value=${o}
      choose=${r}
      of=${e.map(({name:y})=>y)}
      all="All destinations"
    />
    <${zl} label="Reason" value=${i} choose=${a} of=${C} all="All reasons" />
    ${To()&&!!x.data?.dead_letters.length&&u`<${ln} class="main-action" run=${()=>T("retry",_)}>Send all again<//>
        <button type="button" class="danger" onClick=${()=>d(!0)}>Drop all…</button>`}
  </div>`;return u`<${de} title="Dead letters" tools=${E} flush>
      <p class="muted small pad" role="status">
        ${h||"Events that a destination refused for good, newest first. Nothing is lost: each can be sent again."}
      </p>
      <${Se} of=${x}>
        ${y=>y.dead_letters.length===0?u`<${ge}
                what="No dead letters."
                next=${o||i?"None with this filter.":"Every event was taken, or still waits for its turn."}
              />`:u`<${kp}
                key=${`${o}/${i}`}
                first=${y}
                filter=${_}
                settle=${T}
                see=${b}
              />`}
      <//>
    <//>
    ${c&&u`<${pr}
        title="Drop dead letters"
        act="Drop for good"
        danger
        confirm=${o||"all"}
        close=${()=>d(!1)}
        run=${()=>T("drop",{..._,confirm:o||"all"})}
      >
        <p>
          Every dead letter${o&&` of ${o}`}${i&&` with the reason ${i}`} is given up.
          They cannot be brought back.
        </p>
      <//>`}
    ${g&&u`<${ii} id=${g} close=${()=>b("")} />`}`}var zl=({label:e,value:t,choose:n,of:o,all:r})=>u`<select
    aria-label=${e}
    value=${t}
    onChange=${i=>n(i.target.value)}
  >
    <option value="">${r}</option>
    ${o.map(i=>u`<option key=${i} value=${i}>${i}</option>`)}
  </select>`;function kp({first:e,filter:t,settle:n,see:o}){let[r,i]=U(),a=r?r.next:e.next,c=async()=>{let m=await ir(We("/api/dead-letters",{...t,limit:Il,cursor:a??""}));i({dead_letters:[...r?.dead_letters??[],...m.dead_letters],next:m.next})},d=new Set(e.dead_letters.map(({id:m})=>m)),h=[...e.dead_letters,...(r?.dead_letters??[]).filter(({id:m})=>!d.has(m))];return u`<ul class="list">
      ${h.map(m=>u`<li key=${m.id}><${Sp} letter=${m} settle=${n} see=${o} /></li>`)}
    </ul>
    ${a&&u`<p class="pad"><${ln} run=${c}>Show older ones<//></p>`}`}function Sp({letter:e,settle:t,see:n}){let{id:o,destination:r}=e;return u`<details>
    <summary>
      <${Ct} word="dead" text=${e.reason} />
      <strong><${M} text=${r} /></strong>
      <span class="muted"><${M} text=${Tp(e.event)} /></span>
      ${e.status!==null&&u`<span class="muted">status ${e.status}</span>`}
      <time class="muted small" datetime=${e.at} title=${pt(e.at,se.value)}
        >${Tt(e.at,Ue.value)}</time
      >
    </summary>
    <div class="inside stack">
      <p class="small muted">
        <code><${M} text=${e.message_id} /></code>, ${e.attempts}
        ${e.attempts===1?"attempt":"attempts"}${e.table&&u`, table <code><${M} text=${e.table} /></code>`}
      </p>
      ${e.answer&&u`<pre class="words" tabindex="0"><${M} text=${e.answer} /></pre>`}
      ${e.ddl&&u`<pre class="words" tabindex="0"><${M} text=${e.ddl} /></pre>`}
      <${fr} value=${e.event} />
      <div class="bar">
        ${To()&&u`<${ln} class="main-action" run=${()=>t("retry",{id:o})}>Send again<//>
            <${ln} class="danger" run=${()=>t("drop",{id:o,destination:r,confirm:r})}>Drop<//>`}
        <button type="button" onClick=${()=>n(e.message_id)}>Journey</button>
      </div>
    </div>
  </details>`}function Tp(e){let{event:t,name:n,type:o}=e??{},r=[t,n,o].find(i=>typeof i=="string"&&i!=="");return typeof r=="string"?r:""}var Pp=2e3,Cp=1e4;function Hl(){let e=ee("/api/destinations",Pp),t=ee("/api/sources",Cp),n=It.value.detail;return u`<div class="top"><h1>Destinations</h1></div>
    <div class="stack">
      <${Se} of=${e}>
        ${({destinations:o})=>{if(o.length===0)return u`<${Ep} />`;let r=o.filter(({name:i})=>!n||i===n);return u`<${Nl} sources=${t.data?.sources??[]} destinations=${o} chosen=${n} />
            <div class="grid">
              ${Rp(r).map(i=>u`<${Ll} key=${i.name} of=${i} reload=${e.reload} />`)}
            </div>
            <${jl} key=${n} destinations=${o} chosen=${n} settled=${e.reload} />`}}
      <//>
    </div>`}var Ep=()=>u`<section class="panel">
    <${ge}
      what="No destination is configured."
      next=${u`Events are kept in the journal. Add a table <code>[destinations.NAME]</code> to the configuration; it is read while the router runs.`}
    />
  </section>`,Vl=["held","retrying","throttled","paused","draining","flowing","off"],Rp=e=>[...e].sort((t,n)=>Vl.indexOf(t.state)-Vl.indexOf(n.state)||t.name.localeCompare(n.name));function Wl(e,t){let n=0;for(let o of e.split(`
`)){if(!o.startsWith(t))continue;let r=o[t.length];if(r!==" "&&r!=="{")continue;let i=o.slice(r==="{"?o.lastIndexOf("}")+1:t.length);n+=Number(i.trim().split(" ")[0])}return n}var Ul=3e3,Mp={ready:["good","Everything is fine."],degraded:["warn","Events are taken and stored; something else needs a look."],not_ready:["bad","Events cannot be stored: senders get 503 and try again."]};function Bl(){let e=ee("/ready",Ul),t=document.querySelector('meta[name="opentrack-version"]')?.content;return u`<div class="top">
      <h1>Health</h1>
      <span class="muted">OpenTrack ${t}</span>
    </div>
    <div class="stack">
      <${Se} of=${e}>
        ${({status:n,checks:o})=>{let[r,i]=Mp[n];return u`<div class=${`notice ${r}`} role="status">
              <div><strong>${n.replace("_"," ")}</strong> ${i}</div>
            </div>
            <${Dp} />
            <${de} title="Checks" flush
              ><ul class="list">
                ${o.map(a=>u`<${Ap} key=${a.name} of=${a} />`)}
              </ul><//
            >`}}
      <//>
      <${de} title="More">
        <p>
          <a href="/metrics">/metrics</a> has every number for Prometheus, <a href="/ready">/ready</a> what is above for
          a load balancer, <a href="/api/openapi.json">/api/openapi.json</a> the description of the interface.
        </p>
      <//>
    </div>`}var Ap=({of:e})=>u`<li class="letter">
    <div class="bar">
      <span class=${e.ok?"chip good":"chip bad"}>${e.ok?"fine":"not fine"}</span>
      <strong>${sr(e)?u`<a href=${Pt("destinations",e.name)}><${M} text=${e.name} /></a>`:u`<${M} text=${e.name} />`}</strong>
      <span><${M} text=${Jn(e.message)} /></span>
    </div>
  </li>`;function Dp(){let[e,t]=U();if(nt(()=>{let c=()=>document.hidden||hl("/metrics").then(t,()=>{});c();let d=setInterval(c,Ul);return()=>clearInterval(d)},[]),e===void 0)return null;let n=c=>Wl(e,`opentrack_${c}`),o=n("events_lost_total"),r=n("journal_max_bytes"),i=n("journal_commit_seconds_count"),a=[{name:"Accepted",value:Ae(n("events_accepted_total")),beside:"events since the start"},{name:"Rejected",value:Ae(n("events_rejected_total")),beside:"set aside with a reason"},{name:"Lost",value:Ae(o),beside:o?"see each destination":"none",tone:o?"bad":"good"},{name:"Journal",value:Po(n("journal_bytes")),beside:r?`of ${Po(r)}`:void 0},{name:"Commit",value:i?Co(1e3*n("journal_commit_seconds_sum")/i):"–",beside:"on the average"},{name:"In flight",value:Po(n("http_bytes_in_flight")),beside:`${Ae(n("http_requests_waiting"))} requests wait`}];return u`<${_t} of=${a} />`}var Lp=3e3;function Mo(e,t,n){let[o,r]=U("connecting");return nt(()=>{if(e===null)return;let i,a,c=!1,d=()=>{clearTimeout(a),a=setTimeout(()=>{h()},Lp)},h=async()=>{i?.close(),i=new EventSource(e),i.onopen=()=>r("open"),i.onerror=()=>{c||(r("waiting"),i?.readyState===EventSource.CLOSED&&m())};for(let g of t)i.addEventListener(g,b=>{let _=Op(b.data);_!==void 0&&n(g,_)});i.addEventListener("bye",d)},m=async()=>{let g=new AbortController,b=await fetch(e,{signal:g.signal}).catch(()=>{});g.abort(),!c&&(b?.status===404?r("missing"):d())};return r("connecting"),h(),()=>{c=!0,clearTimeout(a),i?.close()}},[e]),o}function Op(e){try{return JSON.parse(e)}catch{return}}var Fp="uplot",Np="u-hz",zp="u-vt",Ip="u-title",jp="u-wrap",Vp="u-under",Hp="u-over",Wp="u-axis",Xn="u-off",Up="u-select",Bp="u-cursor-x",Gp="u-cursor-y",Kp="u-cursor-pt",qp="u-legend",Yp="u-live",Jp="u-inline",Zp="u-series",Qp="u-marker",Gl="u-label",Xp="u-value",hr="width",gr="height";var Kl="bottom",Ao="left",bs="right",Fs="#000",ql=Fs+"0",$s="mousemove",Yl="mousedown",ys="mouseup",Jl="mouseenter",Zl="mouseleave",Ql="dblclick",ef="resize",tf="scroll",Xl="change",ui="dppxchange",Ns="--",Io=typeof window<"u",Ts=Io?document:null,Lo=Io?window:null,nf=Io?navigator:null,pe,si;function Ps(){let e=devicePixelRatio;pe!=e&&(pe=e,si&&Es(Xl,si,Ps),si=matchMedia(`(min-resolution: ${pe-.001}dppx) and (max-resolution: ${pe+.001}dppx)`),eo(Xl,si,Ps),Lo.dispatchEvent(new CustomEvent(ui)))}function Et(e,t){if(t!=null){let n=e.classList;!n.contains(t)&&n.add(t)}}function Cs(e,t){let n=e.classList;n.contains(t)&&n.remove(t)}function Te(e,t,n){e.style[t]=n+"px"}function Yt(e,t,n,o){let r=Ts.createElement(e);return t!=null&&Et(r,t),n?.insertBefore(r,o),r}function jt(e,t){return Yt("div",e,t)}var ec=new WeakMap;function cn(e,t,n,o,r){let i="translate("+t+"px,"+n+"px)",a=ec.get(e);i!=a&&(e.style.transform=i,ec.set(e,i),t<0||n<0||t>o||n>r?Et(e,Xn):Cs(e,Xn))}var tc=new WeakMap;function nc(e,t,n){let o=t+n,r=tc.get(e);o!=r&&(tc.set(e,o),e.style.background=t,e.style.borderColor=n)}var oc=new WeakMap;function rc(e,t,n,o){let r=t+""+n,i=oc.get(e);r!=i&&(oc.set(e,r),e.style.height=n+"px",e.style.width=t+"px",e.style.marginLeft=o?-t/2+"px":0,e.style.marginTop=o?-n/2+"px":0)}var zs={passive:!0},of={...zs,capture:!0};function eo(e,t,n,o){t.addEventListener(e,n,o?of:zs)}function Es(e,t,n,o){t.removeEventListener(e,n,zs)}Io&&Ps();function Jt(e,t,n,o){let r;n=n||0,o=o||t.length-1;let i=o<=2147483647;for(;o-n>1;)r=i?n+o>>1:Rt((n+o)/2),t[r]<e?n=r:o=r;return e-t[n]<=t[o]-e?n:o}function Ac(e){return(n,o,r)=>{let i=-1,a=-1;for(let c=o;c<=r;c++)if(e(n[c])){i=c;break}for(let c=r;c>=o;c--)if(e(n[c])){a=c;break}return[i,a]}}var Dc=e=>e!=null,Lc=e=>e!=null&&e>0,fi=Ac(Dc),rf=Ac(Lc);function sf(e,t,n,o=0,r=!1){let i=r?rf:fi,a=r?Lc:Dc;[t,n]=i(e,t,n);let c=e[t],d=e[t];if(t>-1)if(o==1)c=e[t],d=e[n];else if(o==-1)c=e[n],d=e[t];else for(let h=t;h<=n;h++){let m=e[h];a(m)&&(m<c?c=m:m>d&&(d=m))}return[c??be,d??-be]}function mi(e,t,n,o){let r=ac(e),i=ac(t);e==t&&(r==-1?(e*=n,t/=n):(e/=n,t*=n));let a=n==10?hn:Oc,c=r==1?Rt:Vt,d=i==1?Vt:Rt,h=c(a(Ge(e))),m=d(a(Ge(t))),g=Oo(n,h),b=Oo(n,m);return n==10&&(h<0&&(g=$e(g,-h)),m<0&&(b=$e(b,-m))),o||n==2?(e=g*r,t=b*i):(e=Ic(e,g),t=hi(t,b)),[e,t]}function Is(e,t,n,o){let r=mi(e,t,n,o);return e==0&&(r[0]=0),t==0&&(r[1]=0),r}var js=.1,ic={mode:3,pad:js},_r={pad:0,soft:null,mode:0},af={min:_r,max:_r};function di(e,t,n,o){return gi(n)?sc(e,t,n):(_r.pad=n,_r.soft=o?0:null,_r.mode=o?3:0,sc(e,t,af))}function ce(e,t){return e??t}function lf(e,t,n){for(t=ce(t,0),n=ce(n,e.length-1);t<=n;){if(e[t]!=null)return!0;t++}return!1}function sc(e,t,n){let o=n.min,r=n.max,i=ce(o.pad,0),a=ce(r.pad,0),c=ce(o.hard,-be),d=ce(r.hard,be),h=ce(o.soft,be),m=ce(r.soft,-be),g=ce(o.mode,0),b=ce(r.mode,0),_=t-e,x=hn(_),T=mt(Ge(e),Ge(t)),C=hn(T),E=Ge(C-x);(_<1e-24||E>10)&&(_=0,(e==0||t==0)&&(_=1e-24,g==2&&h!=be&&(i=0),b==2&&m!=-be&&(a=0)));let y=_||T||1e3,A=hn(y),k=Oo(10,Rt(A)),q=y*(_==0?e==0?.1:1:i),N=$e(Ic(e-q,k/10),24),Q=e>=h&&(g==1||g==3&&N<=h||g==2&&N>=h)?h:be,B=mt(c,N<Q&&e>=Q?Q:Zt(Q,N)),te=y*(_==0?t==0?.1:1:a),W=$e(hi(t+te,k/10),24),R=t<=m&&(b==1||b==3&&W>=m||b==2&&W<=m)?m:-be,G=Zt(d,W>R&&t<=R?R:mt(R,W));return B==G&&B==0&&(G=100),[B,G]}var cf=new Intl.NumberFormat(Io?nf.language:"en-US"),Vs=e=>cf.format(e),Mt=Math,ci=Mt.PI,Ge=Mt.abs,Rt=Mt.floor,Be=Mt.round,Vt=Mt.ceil,Zt=Mt.min,mt=Mt.max,Oo=Mt.pow,ac=Mt.sign,hn=Mt.log10,Oc=Mt.log2,uf=(e,t=1)=>Mt.sinh(e)*t,ws=(e,t=1)=>Mt.asinh(e/t),be=1/0;function lc(e){return(hn((e^e>>31)-(e>>31))|0)+1}function Rs(e,t,n){return Zt(mt(e,t),n)}function Fc(e){return typeof e=="function"}function re(e){return Fc(e)?e:()=>e}var df=()=>{},Nc=e=>e,zc=(e,t)=>t,pf=e=>null,cc=e=>!0,uc=(e,t)=>e==t,ff=/\.\d*?(?=9{6,}|0{6,})/gm,to=e=>{if(Vc(e)||Rn.has(e))return e;let t=`${e}`,n=t.match(ff);if(n==null)return e;let o=n[0].length-1;if(t.indexOf("e-")!=-1){let[r,i]=t.split("e");return+`${to(r)}e${i}`}return $e(e,o)};function Zn(e,t){return to($e(to(e/t))*t)}function hi(e,t){return to(Vt(to(e/t))*t)}function Ic(e,t){return to(Rt(to(e/t))*t)}function $e(e,t=0){if(Vc(e))return e;let n=10**t,o=e*n*(1+Number.EPSILON);return Be(o)/n}var Rn=new Map;function jc(e){return((""+e).split(".")[1]||"").length}function $r(e,t,n,o){let r=[],i=o.map(jc);for(let a=t;a<n;a++){let c=Ge(a),d=$e(Oo(e,a),c);for(let h=0;h<o.length;h++){let m=e==10?+`${o[h]}e${a}`:o[h]*d,g=(a>=0?0:c)+(a>=i[h]?0:i[h]),b=e==10?m:$e(m,g);r.push(b),Rn.set(b,g)}}return r}var br={},Hs=[],Fo=[null,null],En=Array.isArray,Vc=Number.isInteger,mf=e=>e===void 0;function dc(e){return typeof e=="string"}function gi(e){let t=!1;if(e!=null){let n=e.constructor;t=n==null||n==Object}return t}function hf(e){return e!=null&&typeof e=="object"}var gf=Object.getPrototypeOf(Uint8Array),Hc="__proto__";function No(e,t=gi){let n;if(En(e)){let o=e.find(r=>r!=null);if(En(o)||t(o)){n=Array(e.length);for(let r=0;r<e.length;r++)n[r]=No(e[r],t)}else n=e.slice()}else if(e instanceof gf)n=e.slice();else if(t(e)){n={};for(let o in e)o!=Hc&&(n[o]=No(e[o],t))}else n=e;return n}function ze(e){let t=arguments;for(let n=1;n<t.length;n++){let o=t[n];for(let r in o)r!=Hc&&(gi(e[r])?ze(e[r],No(o[r])):e[r]=No(o[r]))}return e}var vf=0,_f=1,bf=2;function $f(e,t,n){for(let o=0,r,i=-1;o<t.length;o++){let a=t[o];if(a>i){for(r=a-1;r>=0&&e[r]==null;)e[r--]=null;for(r=a+1;r<n&&e[r]==null;)e[i=r++]=null}}}function yf(e,t){if(kf(e)){let a=e[0].slice();for(let c=1;c<e.length;c++)a.push(...e[c].slice(1));return Sf(a[0])||(a=xf(a)),a}let n=new Set;for(let a=0;a<e.length;a++){let d=e[a][0],h=d.length;for(let m=0;m<h;m++)n.add(d[m])}let o=[Array.from(n).sort((a,c)=>a-c)],r=o[0].length,i=new Map;for(let a=0;a<r;a++)i.set(o[0][a],a);for(let a=0;a<e.length;a++){let c=e[a],d=c[0];for(let h=1;h<c.length;h++){let m=c[h],g=Array(r).fill(void 0),b=t?t[a][h]:_f,_=[];for(let x=0;x<m.length;x++){let T=m[x],C=i.get(d[x]);T===null?b!=vf&&(g[C]=T,b==bf&&_.push(C)):g[C]=T}$f(g,_,r),o.push(g)}}return o}var wf=typeof queueMicrotask>"u"?e=>Promise.resolve().then(e):queueMicrotask;function xf(e){let t=e[0],n=t.length,o=Array(n);for(let i=0;i<o.length;i++)o[i]=i;o.sort((i,a)=>t[i]-t[a]);let r=[];for(let i=0;i<e.length;i++){let a=e[i],c=Array(n);for(let d=0;d<n;d++)c[d]=a[o[d]];r.push(c)}return r}function kf(e){let t=e[0][0],n=t.length;for(let o=1;o<e.length;o++){let r=e[o][0];if(r.length!=n)return!1;if(r!=t){for(let i=0;i<n;i++)if(r[i]!=t[i])return!1}}return!0}function Sf(e,t=100){let n=e.length;if(n<=1)return!0;let o=0,r=n-1;for(;o<=r&&e[o]==null;)o++;for(;r>=o&&e[r]==null;)r--;if(r<=o)return!0;let i=mt(1,Rt((r-o+1)/t));for(let a=e[o],c=o+i;c<=r;c+=i){let d=e[c];if(d!=null){if(d<=a)return!1;a=d}}return!0}var Wc=["January","February","March","April","May","June","July","August","September","October","November","December"],Uc=["Sunday","Monday","Tuesday","Wednesday","Thursday","Friday","Saturday"];function Bc(e){return e.slice(0,3)}var Tf=Uc.map(Bc),Pf=Wc.map(Bc),Cf={MMMM:Wc,MMM:Pf,WWWW:Uc,WWW:Tf};function mr(e){return(e<10?"0":"")+e}function Ef(e){return(e<10?"00":e<100?"0":"")+e}var Rf={YYYY:e=>e.getFullYear(),YY:e=>(e.getFullYear()+"").slice(2),MMMM:(e,t)=>t.MMMM[e.getMonth()],MMM:(e,t)=>t.MMM[e.getMonth()],MM:e=>mr(e.getMonth()+1),M:e=>e.getMonth()+1,DD:e=>mr(e.getDate()),D:e=>e.getDate(),WWWW:(e,t)=>t.WWWW[e.getDay()],WWW:(e,t)=>t.WWW[e.getDay()],HH:e=>mr(e.getHours()),H:e=>e.getHours(),h:e=>{let t=e.getHours();return t==0?12:t>12?t-12:t},AA:e=>e.getHours()>=12?"PM":"AM",aa:e=>e.getHours()>=12?"pm":"am",a:e=>e.getHours()>=12?"p":"a",mm:e=>mr(e.getMinutes()),m:e=>e.getMinutes(),ss:e=>mr(e.getSeconds()),s:e=>e.getSeconds(),fff:e=>Ef(e.getMilliseconds())};function Ws(e,t){t=t||Cf;let n=[],o=/\{([a-z]+)\}|[^{]+/gi,r;for(;r=o.exec(e);)n.push(r[0][0]=="{"?Rf[r[1]]:r[0]);return i=>{let a="";for(let c=0;c<n.length;c++)a+=typeof n[c]=="string"?n[c]:n[c](i,t);return a}}var Mf=new Intl.DateTimeFormat().resolvedOptions().timeZone;function Af(e,t){let n;return t=="UTC"||t=="Etc/UTC"?n=new Date(+e+e.getTimezoneOffset()*6e4):t==Mf?n=e:(n=new Date(e.toLocaleString("en-US",{timeZone:t})),n.setMilliseconds(e.getMilliseconds())),n}var Gc=e=>e%1==0,pi=[1,2,2.5,5],Df=$r(10,-32,0,pi),Kc=$r(10,0,32,pi),Lf=Kc.filter(Gc),Qn=Df.concat(Kc),Us=`
`,qc="{YYYY}",pc=Us+qc,Yc="{M}/{D}",vr=Us+Yc,ai=vr+"/{YY}",Jc="{aa}",Of="{h}:{mm}",Do=Of+Jc,fc=Us+Do,mc=":{ss}",he=null;function Zc(e){let t=e*1e3,n=t*60,o=n*60,r=o*24,i=r*30,a=r*365,d=(e==1?$r(10,0,3,pi).filter(Gc):$r(10,-3,0,pi)).concat([t,t*5,t*10,t*15,t*30,n,n*5,n*10,n*15,n*30,o,o*2,o*3,o*4,o*6,o*8,o*12,r,r*2,r*3,r*4,r*5,r*6,r*7,r*8,r*9,r*10,r*15,i,i*2,i*3,i*4,i*6,a,a*2,a*5,a*10,a*25,a*50,a*100]),h=[[a,qc,he,he,he,he,he,he,1],[r*28,"{MMM}",pc,he,he,he,he,he,1],[r,Yc,pc,he,he,he,he,he,1],[o,"{h}"+Jc,ai,he,vr,he,he,he,1],[n,Do,ai,he,vr,he,he,he,1],[t,mc,ai+" "+Do,he,vr+" "+Do,he,fc,he,1],[e,mc+".{fff}",ai+" "+Do,he,vr+" "+Do,he,fc,he,1]];function m(g){return(b,_,x,T,C,E)=>{let y=[],A=C>=a,k=C>=i&&C<a,q=g(x),N=$e(q*e,3),Q=xs(q.getFullYear(),A?0:q.getMonth(),k||A?1:q.getDate()),B=$e(Q*e,3);if(k||A){let te=k?C/i:0,W=A?C/a:0,R=N==B?N:$e(xs(Q.getFullYear()+W,Q.getMonth()+te,1)*e,3),G=new Date(Be(R/e)),L=G.getFullYear(),Y=G.getMonth();for(let H=0;R<=T;H++){let ie=xs(L+W*H,Y+te*H,1),V=ie-g($e(ie*e,3));R=$e((+ie+V)*e,3),R<=T&&y.push(R)}}else{let te=C>=r?r:C,W=Rt(x)-Rt(N),R=B+W+hi(N-B,te);y.push(R);let G=g(R),L=G.getHours()+G.getMinutes()/n+G.getSeconds()/o,Y=C/o,H=b.axes[_]._space,ie=E/H;for(;R=$e(R+C,e==1?0:3),!(R>T);)if(Y>1){let V=Rt($e(L+Y,6))%24,ae=g(R).getHours()-V;ae>1&&(ae=-1),R-=ae*o,L=(L+Y)%24;let ve=y[y.length-1];$e((R-ve)/C,3)*ie>=.7&&y.push(R)}else y.push(R)}return y}}return[d,h,m]}var[Ff,Nf,zf]=Zc(1),[If,jf,Vf]=Zc(.001);$r(2,-53,53,[1]);function hc(e,t){return e.map(n=>n.map((o,r)=>r==0||r==8||o==null?o:t(r==1||n[8]==0?o:n[1]+o)))}function gc(e,t){return(n,o,r,i,a)=>{let c=t.find(x=>a>=x[0])||t[t.length-1],d,h,m,g,b,_;return o.map(x=>{let T=e(x),C=T.getFullYear(),E=T.getMonth(),y=T.getDate(),A=T.getHours(),k=T.getMinutes(),q=T.getSeconds(),N=C!=d&&c[2]||E!=h&&c[3]||y!=m&&c[4]||A!=g&&c[5]||k!=b&&c[6]||q!=_&&c[7]||c[1];return d=C,h=E,m=y,g=A,b=k,_=q,N(T)})}}function Hf(e,t){let n=Ws(t);return(o,r,i,a,c)=>r.map(d=>n(e(d)))}function xs(e,t,n){return new Date(e,t,n)}function vc(e,t){return t(e)}var Wf="{YYYY}-{MM}-{DD} {h}:{mm}{aa}";function _c(e,t){return(n,o,r,i)=>i==null?Ns:t(e(o))}function Uf(e,t){let n=e.series[t];return n.width?n.stroke(e,t):n.points.width?n.points.stroke(e,t):null}function Bf(e,t){return e.series[t].fill(e,t)}var Gf={show:!0,live:!0,isolate:!1,mount:df,markers:{show:!0,width:2,stroke:Uf,fill:Bf,dash:"solid"},idx:null,idxs:null,values:[]};function Kf(e,t){let n=e.cursor.points,o=jt(),r=n.size(e,t);Te(o,hr,r),Te(o,gr,r);let i=r/-2;Te(o,"marginLeft",i),Te(o,"marginTop",i);let a=n.width(e,t,r);return a&&Te(o,"borderWidth",a),o}function qf(e,t){let n=e.series[t].points;return n._fill||n._stroke}function Yf(e,t){let n=e.series[t].points;return n._stroke||n._fill}function Jf(e,t){return e.series[t].points.size}var ks=[0,0];function Zf(e,t,n){return ks[0]=t,ks[1]=n,ks}function li(e,t,n,o=!0){return r=>{r.button==0&&(!o||r.target==t)&&n(r)}}function Ss(e,t,n,o=!0){return r=>{(!o||r.target==t)&&n(r)}}var Qf={show:!0,x:!0,y:!0,lock:!1,move:Zf,points:{one:!1,show:Kf,size:Jf,width:0,stroke:Yf,fill:qf},bind:{mousedown:li,mouseup:li,click:li,dblclick:li,mousemove:Ss,mouseleave:Ss,mouseenter:Ss},drag:{setScale:!0,x:!0,y:!1,dist:0,uni:null,click:(e,t)=>{t.stopPropagation(),t.stopImmediatePropagation()},_x:!1,_y:!1},focus:{dist:(e,t,n,o,r)=>o-r,prox:-1,bias:0},hover:{skip:[void 0],prox:null,bias:0},left:-10,top:-10,idx:null,dataIdx:null,idxs:null,event:null},Qc={show:!0,stroke:"rgba(0,0,0,0.07)",width:2},Bs=ze({},Qc,{filter:zc}),Xc=ze({},Bs,{size:10}),eu=ze({},Qc,{show:!1}),Gs='12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", sans-serif, "Apple Color Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Noto Color Emoji"',tu="bold "+Gs,nu=1.5,bc={show:!0,scale:"x",stroke:Fs,space:50,gap:5,alignTo:1,size:50,labelGap:0,labelSize:30,labelFont:tu,side:2,grid:Bs,ticks:Xc,border:eu,font:Gs,lineGap:nu,rotate:0},Xf="Value",em="Time",$c={show:!0,scale:"x",auto:!1,sorted:1,min:be,max:-be,idxs:[]};function tm(e,t,n,o,r){return t.map(i=>i==null?"":Vs(i))}function nm(e,t,n,o,r,i,a){let c=[],d=Rn.get(r)||0;n=a?n:$e(hi(n,r),d);for(let h=n;h<=o;h=$e(h+r,d))c.push(Object.is(h,-0)?0:h);return c}function Ms(e,t,n,o,r,i,a){let c=[],d=e.scales[e.axes[t].scale].log,h=d==10?hn:Oc,m=Rt(h(n));r=Oo(d,m),d==10&&(r=Qn[Jt(r,Qn)]);let g=n,b=r*d;d==10&&(b=Qn[Jt(b,Qn)]);do c.push(g),g=g+r,d==10&&!Rn.has(g)&&(g=$e(g,Rn.get(r))),g>=b&&(r=g,b=r*d,d==10&&(b=Qn[Jt(b,Qn)]));while(g<=o);return c}function om(e,t,n,o,r,i,a){let d=e.scales[e.axes[t].scale].asinh,h=o>d?Ms(e,t,mt(d,n),o,r):[d],m=o>=0&&n<=0?[0]:[];return(n<-d?Ms(e,t,mt(d,-o),-n,r):[d]).reverse().map(b=>-b).concat(m,h)}var ou=/./,rm=/[12357]/,im=/[125]/,yc=/1/,As=(e,t,n,o)=>e.map((r,i)=>t==4&&r==0||i%o==0&&n.test(r.toExponential()[r<0?1:0])?r:null);function sm(e,t,n,o,r){let i=e.axes[n],a=i.scale,c=e.scales[a],d=e.valToPos,h=i._space,m=d(10,a),g=d(9,a)-m>=h?ou:d(7,a)-m>=h?rm:d(5,a)-m>=h?im:yc;if(g==yc){let b=Ge(d(1,a)-m);if(b<h)return As(t.slice().reverse(),c.distr,g,Vt(h/b)).reverse()}return As(t,c.distr,g,1)}function am(e,t,n,o,r){let i=e.axes[n],a=i.scale,c=i._space,d=e.valToPos,h=Ge(d(1,a)-d(2,a));return h<c?As(t.slice().reverse(),3,ou,Vt(c/h)).reverse():t}function lm(e,t,n,o){return o==null?Ns:t==null?"":Vs(t)}var wc={show:!0,scale:"y",stroke:Fs,space:30,gap:5,alignTo:1,size:50,labelGap:0,labelSize:30,labelFont:tu,side:3,grid:Bs,ticks:Xc,border:eu,font:Gs,lineGap:nu,rotate:0};function cm(e,t){let n=3+(e||1)*2;return $e(n*t,3)}function um(e,t){let{scale:n,idxs:o}=e.series[0],r=e._data[0],i=e.valToPos(r[o[0]],n,!0),a=e.valToPos(r[o[1]],n,!0),c=Ge(a-i),d=e.series[t],h=c/(d.points.space*pe);return o[1]-o[0]<=h}var xc={scale:null,auto:!0,sorted:0,min:be,max:-be},ru=(e,t,n,o,r)=>r,kc={show:!0,auto:!0,sorted:0,gaps:ru,alpha:1,facets:[ze({},xc,{scale:"x"}),ze({},xc,{scale:"y"})]},Sc={scale:"y",auto:!0,sorted:0,show:!0,spanGaps:!1,gaps:ru,alpha:1,points:{show:um,filter:null},values:null,min:be,max:-be,idxs:[],path:null,clip:null};function dm(e,t,n,o,r){return n/10}var iu={time:!0,auto:!0,distr:1,log:10,asinh:1,min:null,max:null,dir:1,ori:0},pm=ze({},iu,{time:!1,ori:1}),Tc={};function su(e,t){let n=Tc[e];return n||(n={key:e,plots:[],sub(o){n.plots.push(o)},unsub(o){n.plots=n.plots.filter(r=>r!=o)},pub(o,r,i,a,c,d,h){for(let m=0;m<n.plots.length;m++)n.plots[m]!=r&&n.plots[m].pub(o,r,i,a,c,d,h)}},e!=null&&(Tc[e]=n)),n}var zo=1,Ds=2;function no(e,t,n){let o=e.mode,r=e.series[t],i=o==2?e._data[t]:e._data,a=e.scales,c=e.bbox,d=i[0],h=o==2?i[1]:i[t],m=o==2?a[r.facets[0].scale]:a[e.series[0].scale],g=o==2?a[r.facets[1].scale]:a[r.scale],b=c.left,_=c.top,x=c.width,T=c.height,C=e.valToPosH,E=e.valToPosV;return m.ori==0?n(r,d,h,m,g,C,E,b,_,x,T,_i,jo,$i,lu,uu):n(r,d,h,m,g,E,C,_,b,T,x,bi,Vo,Ys,cu,du)}function Ks(e,t){let n=0,o=0,r=ce(e.bands,Hs);for(let i=0;i<r.length;i++){let a=r[i];a.series[0]==t?n=a.dir:a.series[1]==t&&(a.dir==1?o|=1:o|=2)}return[n,o==1?-1:o==2?1:o==3?2:0]}function fm(e,t,n,o,r){let i=e.mode,a=e.series[t],c=i==2?a.facets[1].scale:a.scale,d=e.scales[c];return r==-1?d.min:r==1?d.max:d.distr==3?d.dir==1?d.min:d.max:0}function gn(e,t,n,o,r,i){return no(e,t,(a,c,d,h,m,g,b,_,x,T,C)=>{let E=a.pxRound,y=h.dir*(h.ori==0?1:-1),A=h.ori==0?jo:Vo,k,q;y==1?(k=n,q=o):(k=o,q=n);let N=E(g(c[k],h,T,_)),Q=E(b(d[k],m,C,x)),B=E(g(c[q],h,T,_)),te=E(b(i==1?m.max:m.min,m,C,x)),W=new Path2D(r);return A(W,B,te),A(W,N,te),A(W,N,Q),W})}function vi(e,t,n,o,r,i){let a=null;if(e.length>0){a=new Path2D;let c=t==0?$i:Ys,d=n;for(let g=0;g<e.length;g++){let b=e[g];if(b[1]>b[0]){let _=b[0]-d;_>0&&c(a,d,o,_,o+i),d=b[1]}}let h=n+r-d,m=10;h>0&&c(a,d,o-m/2,h,o+i+m)}return a}function mm(e,t,n){let o=e[e.length-1];o&&o[0]==t?o[1]=n:e.push([t,n])}function qs(e,t,n,o,r,i,a){let c=[],d=e.length;for(let h=r==1?n:o;h>=n&&h<=o;h+=r)if(t[h]===null){let g=h,b=h;if(r==1)for(;++h<=o&&t[h]===null;)b=h;else for(;--h>=n&&t[h]===null;)b=h;let _=i(e[g]),x=b==g?_:i(e[b]),T=g-r;_=a<=0&&T>=0&&T<d?i(e[T]):_;let E=b+r;x=a>=0&&E>=0&&E<d?i(e[E]):x,x>=_&&c.push([_,x])}return c}function Pc(e){return e==0?Nc:e==1?Be:t=>Zn(t,e)}function au(e){let t=e==0?_i:bi,n=e==0?(r,i,a,c,d,h)=>{r.arcTo(i,a,c,d,h)}:(r,i,a,c,d,h)=>{r.arcTo(a,i,d,c,h)},o=e==0?(r,i,a,c,d)=>{r.rect(i,a,c,d)}:(r,i,a,c,d)=>{r.rect(a,i,d,c)};return(r,i,a,c,d,h=0,m=0)=>{h==0&&m==0?o(r,i,a,c,d):(h=Zt(h,c/2,d/2),m=Zt(m,c/2,d/2),t(r,i+h,a),n(r,i+c,a,i+c,a+d,h),n(r,i+c,a+d,i,a+d,m),n(r,i,a+d,i,a,m),n(r,i,a,i+c,a,h),r.closePath())}}var _i=(e,t,n)=>{e.moveTo(t,n)},bi=(e,t,n)=>{e.moveTo(n,t)},jo=(e,t,n)=>{e.lineTo(t,n)},Vo=(e,t,n)=>{e.lineTo(n,t)},$i=au(0),Ys=au(1),lu=(e,t,n,o,r,i)=>{e.arc(t,n,o,r,i)},cu=(e,t,n,o,r,i)=>{e.arc(n,t,o,r,i)},uu=(e,t,n,o,r,i,a)=>{e.bezierCurveTo(t,n,o,r,i,a)},du=(e,t,n,o,r,i,a)=>{e.bezierCurveTo(n,t,r,o,a,i)};function pu(e){return(t,n,o,r,i)=>no(t,n,(a,c,d,h,m,g,b,_,x,T,C)=>{let{pxRound:E,points:y}=a,A,k;h.ori==0?(A=_i,k=lu):(A=bi,k=cu);let q=$e(y.width*pe,3),N=(y.size-y.width)/2*pe,Q=$e(N*2,3),B=new Path2D,te=new Path2D,{left:W,top:R,width:G,height:L}=t.bbox;$i(te,W-Q,R-Q,G+Q*2,L+Q*2);let Y=H=>{if(d[H]!=null){let ie=E(g(c[H],h,T,_)),V=E(b(d[H],m,C,x));A(B,ie+N,V),k(B,ie,V,N,0,ci*2)}};if(i)i.forEach(Y);else for(let H=o;H<=r;H++)Y(H);return{stroke:q>0?B:null,fill:B,clip:te,flags:zo|Ds}})}function fu(e){return(t,n,o,r,i,a)=>{o!=r&&(i!=o&&a!=o&&e(t,n,o),i!=r&&a!=r&&e(t,n,r),e(t,n,a))}}var hm=fu(jo),gm=fu(Vo);function mu(e){let t=ce(e?.alignGaps,0);return(n,o,r,i)=>no(n,o,(a,c,d,h,m,g,b,_,x,T,C)=>{[r,i]=fi(d,r,i);let E=a.pxRound,y=L=>E(g(L,h,T,_)),A=L=>E(b(L,m,C,x)),k,q;h.ori==0?(k=jo,q=hm):(k=Vo,q=gm);let N=h.dir*(h.ori==0?1:-1),Q={stroke:new Path2D,fill:null,clip:null,band:null,gaps:null,flags:zo},B=Q.stroke,te=!1;if(i-r>=T*4){let L=I=>n.posToVal(I,h.key,!0),Y=null,H=null,ie,V,ht,Pe=y(c[N==1?r:i]),ae=y(c[r]),ve=y(c[i]),ne=L(N==1?ae+1:ve-1);for(let I=N==1?r:i;I>=r&&I<=i;I+=N){let Ie=c[I],Ce=(N==1?Ie<ne:Ie>ne)?Pe:y(Ie),fe=d[I];Ce==Pe?fe!=null?(V=fe,Y==null?(k(B,Ce,A(V)),ie=Y=H=V):V<Y?Y=V:V>H&&(H=V)):fe===null&&(te=!0):(Y!=null&&q(B,Pe,A(Y),A(H),A(ie),A(V)),fe!=null?(V=fe,k(B,Ce,A(V)),Y=H=ie=V):(Y=H=null,fe===null&&(te=!0)),Pe=Ce,ne=L(Pe+N))}Y!=null&&Y!=H&&ht!=Pe&&q(B,Pe,A(Y),A(H),A(ie),A(V))}else for(let L=N==1?r:i;L>=r&&L<=i;L+=N){let Y=d[L];Y===null?te=!0:Y!=null&&k(B,y(c[L]),A(Y))}let[R,G]=Ks(n,o);if(a.fill!=null||R!=0){let L=Q.fill=new Path2D(B),Y=a.fillTo(n,o,a.min,a.max,R),H=A(Y),ie=y(c[r]),V=y(c[i]);N==-1&&([V,ie]=[ie,V]),k(L,V,H),k(L,ie,H)}if(!a.spanGaps){let L=[];te&&L.push(...qs(c,d,r,i,N,y,t)),Q.gaps=L=a.gaps(n,o,r,i,L),Q.clip=vi(L,h.ori,_,x,T,C)}return G!=0&&(Q.band=G==2?[gn(n,o,r,i,B,-1),gn(n,o,r,i,B,1)]:gn(n,o,r,i,B,G)),Q})}function vm(e){let t=ce(e.align,1),n=ce(e.ascDesc,!1),o=ce(e.alignGaps,0),r=ce(e.extend,!1);return(i,a,c,d)=>no(i,a,(h,m,g,b,_,x,T,C,E,y,A)=>{[c,d]=fi(g,c,d);let k=h.pxRound,{left:q,width:N}=i.bbox,Q=ae=>k(x(ae,b,y,C)),B=ae=>k(T(ae,_,A,E)),te=b.ori==0?jo:Vo,W={stroke:new Path2D,fill:null,clip:null,band:null,gaps:null,flags:zo},R=W.stroke,G=b.dir*(b.ori==0?1:-1),L=B(g[G==1?c:d]),Y=Q(m[G==1?c:d]),H=Y,ie=Y;r&&t==-1&&(ie=q,te(R,ie,L)),te(R,Y,L);for(let ae=G==1?c:d;ae>=c&&ae<=d;ae+=G){let ve=g[ae];if(ve==null)continue;let ne=Q(m[ae]),I=B(ve);t==1?te(R,ne,L):te(R,H,I),te(R,ne,I),L=I,H=ne}let V=H;r&&t==1&&(V=q+N,te(R,V,L));let[ht,Pe]=Ks(i,a);if(h.fill!=null||ht!=0){let ae=W.fill=new Path2D(R),ve=h.fillTo(i,a,h.min,h.max,ht),ne=B(ve);te(ae,V,ne),te(ae,ie,ne)}if(!h.spanGaps){let ae=[];ae.push(...qs(m,g,c,d,G,Q,o));let ve=h.width*pe/2,ne=n||t==1?ve:-ve,I=n||t==-1?-ve:ve;ae.forEach(Ie=>{Ie[0]+=ne,Ie[1]+=I}),W.gaps=ae=h.gaps(i,a,c,d,ae),W.clip=vi(ae,b.ori,C,E,y,A)}return Pe!=0&&(W.band=Pe==2?[gn(i,a,c,d,R,-1),gn(i,a,c,d,R,1)]:gn(i,a,c,d,R,Pe)),W})}function Cc(e,t,n,o,r,i,a=be){if(e.length>1){let c=null;for(let d=0,h=1/0;d<e.length;d++)if(t[d]!==void 0){if(c!=null){let m=Ge(e[d]-e[c]);m<h&&(h=m,a=Ge(n(e[d],o,r,i)-n(e[c],o,r,i)))}c=d}}return a}function _m(e){e=e||br;let t=ce(e.size,[.6,be,1]),n=e.align||0,o=e.gap||0,r=e.radius;r=r==null?[0,0]:typeof r=="number"?[r,0]:r;let i=re(r),a=1-t[0],c=ce(t[1],be),d=ce(t[2],1),h=ce(e.disp,br),m=ce(e.each,_=>{}),{fill:g,stroke:b}=h;return(_,x,T,C)=>no(_,x,(E,y,A,k,q,N,Q,B,te,W,R)=>{let G=E.pxRound,L=n,Y=o*pe,H=c*pe,ie=d*pe,V,ht;k.ori==0?[V,ht]=i(_,x):[ht,V]=i(_,x);let Pe=k.dir*(k.ori==0?1:-1),ae=k.ori==0?$i:Ys,ve=k.ori==0?m:(F,ye,je,ao,Dn,Xt,Ln)=>{m(F,ye,je,Dn,ao,Ln,Xt)},ne=ce(_.bands,Hs).find(F=>F.series[0]==x),I=ne!=null?ne.dir:0,Ie=E.fillTo(_,x,E.min,E.max,I),at=G(Q(Ie,q,R,te)),Ce,fe,Ht,bt=W,Me=G(E.width*pe),Qt=!1,un=null,At=null,vn=null,ro=null;g!=null&&(Me==0||b!=null)&&(Qt=!0,un=g.values(_,x,T,C),At=new Map,new Set(un).forEach(F=>{F!=null&&At.set(F,new Path2D)}),Me>0&&(vn=b.values(_,x,T,C),ro=new Map,new Set(vn).forEach(F=>{F!=null&&ro.set(F,new Path2D)})));let{x0:io,size:Ho}=h;if(io!=null&&Ho!=null){L=1,y=io.values(_,x,T,C),io.unit==2&&(y=y.map(je=>_.posToVal(B+je*W,k.key,!0)));let F=Ho.values(_,x,T,C);Ho.unit==2?fe=F[0]*W:fe=N(F[0],k,W,B)-N(0,k,W,B),bt=Cc(y,A,N,k,W,B,bt),Ht=bt-fe+Y}else bt=Cc(y,A,N,k,W,B,bt),Ht=bt*a+Y,fe=bt-Ht;Ht<1&&(Ht=0),Me>=fe/2&&(Me=0),Ht<5&&(G=Nc);let wr=Ht>0,Mn=bt-Ht-(wr?Me:0);fe=G(Rs(Mn,ie,H)),Ce=(L==0?fe/2:L==Pe?0:fe)-L*Pe*((L==0?Y/2:0)+(wr?Me/2:0));let lt={stroke:null,fill:null,clip:null,band:null,gaps:null,flags:0},so=Qt?null:new Path2D,dn=null;if(ne!=null)dn=_.data[ne.series[1]];else{let{y0:F,y1:ye}=h;F!=null&&ye!=null&&(A=ye.values(_,x,T,C),dn=F.values(_,x,T,C))}let An=V*fe,X=ht*fe;for(let F=Pe==1?T:C;F>=T&&F<=C;F+=Pe){let ye=A[F];if(ye==null)continue;if(dn!=null){let gt=dn[F]??0;if(ye-gt==0)continue;at=Q(gt,q,R,te)}let je=k.distr!=2||h!=null?y[F]:F,ao=N(je,k,W,B),Dn=Q(ce(ye,Ie),q,R,te),Xt=G(ao-Ce),Ln=G(mt(Dn,at)),$t=G(Zt(Dn,at)),Dt=Ln-$t;if(ye!=null){let gt=ye<0?X:An,Wt=ye<0?An:X;Qt?(Me>0&&vn[F]!=null&&ae(ro.get(vn[F]),Xt,$t+Rt(Me/2),fe,mt(0,Dt-Me),gt,Wt),un[F]!=null&&ae(At.get(un[F]),Xt,$t+Rt(Me/2),fe,mt(0,Dt-Me),gt,Wt)):ae(so,Xt,$t+Rt(Me/2),fe,mt(0,Dt-Me),gt,Wt),ve(_,x,F,Xt-Me/2,$t,fe+Me,Dt)}}return Me>0?lt.stroke=Qt?ro:so:Qt||(lt._fill=E.width==0?E._fill:E._stroke??E._fill,lt.width=0),lt.fill=Qt?At:so,lt})}function bm(e,t){let n=ce(t?.alignGaps,0);return(o,r,i,a)=>no(o,r,(c,d,h,m,g,b,_,x,T,C,E)=>{[i,a]=fi(h,i,a);let y=c.pxRound,A=V=>y(b(V,m,C,x)),k=V=>y(_(V,g,E,T)),q,N,Q;m.ori==0?(q=_i,Q=jo,N=uu):(q=bi,Q=Vo,N=du);let B=m.dir*(m.ori==0?1:-1),te=A(d[B==1?i:a]),W=te,R=[],G=[];for(let V=B==1?i:a;V>=i&&V<=a;V+=B)if(h[V]!=null){let Pe=d[V],ae=A(Pe);R.push(W=ae),G.push(k(h[V]))}let L={stroke:e(R,G,q,Q,N,y),fill:null,clip:null,band:null,gaps:null,flags:zo},Y=L.stroke,[H,ie]=Ks(o,r);if(c.fill!=null||H!=0){let V=L.fill=new Path2D(Y),ht=c.fillTo(o,r,c.min,c.max,H),Pe=k(ht);Q(V,W,Pe),Q(V,te,Pe)}if(!c.spanGaps){let V=[];V.push(...qs(d,h,i,a,B,A,n)),L.gaps=V=c.gaps(o,r,i,a,V),L.clip=vi(V,m.ori,x,T,C,E)}return ie!=0&&(L.band=ie==2?[gn(o,r,i,a,Y,-1),gn(o,r,i,a,Y,1)]:gn(o,r,i,a,Y,ie)),L})}function $m(e){return bm(ym,e)}function ym(e,t,n,o,r,i){let a=e.length;if(a<2)return null;let c=new Path2D;if(n(c,e[0],t[0]),a==2)o(c,e[1],t[1]);else{let d=Array(a),h=Array(a-1),m=Array(a-1),g=Array(a-1);for(let b=0;b<a-1;b++)m[b]=t[b+1]-t[b],g[b]=e[b+1]-e[b],h[b]=m[b]/g[b];d[0]=h[0];for(let b=1;b<a-1;b++)h[b]===0||h[b-1]===0||h[b-1]>0!=h[b]>0?d[b]=0:(d[b]=3*(g[b-1]+g[b])/((2*g[b]+g[b-1])/h[b-1]+(g[b]+2*g[b-1])/h[b]),isFinite(d[b])||(d[b]=0));d[a-1]=h[a-2];for(let b=0;b<a-1;b++)r(c,e[b]+g[b]/3,t[b]+d[b]*g[b]/3,e[b+1]-g[b]/3,t[b+1]-d[b+1]*g[b]/3,e[b+1],t[b+1])}return c}var Ls=new Set;function Ec(){for(let e of Ls)e.syncRect(!0)}Io&&(eo(ef,Lo,Ec),eo(tf,Lo,Ec,!0),eo(ui,Lo,()=>{Ke.pxRatio=pe}));var wm=mu(),xm=pu();function Rc(e,t,n,o){return(o?[e[0],e[1]].concat(e.slice(2)):[e[0]].concat(e.slice(1))).map((i,a)=>Os(i,a,t,n))}function km(e,t){return e.map((n,o)=>o==0?{}:ze({},t,n))}function Os(e,t,n,o){return ze({},t==0?n:o,e)}function hu(e,t,n){return t==null?Fo:[t,n]}var Sm=hu;function Tm(e,t,n){return t==null?Fo:di(t,n,js,!0)}function gu(e,t,n,o){return t==null?Fo:mi(t,n,e.scales[o].log,!1)}var Pm=gu;function vu(e,t,n,o){return t==null?Fo:Is(t,n,e.scales[o].log,!1)}var Cm=vu;function Em(e,t,n,o,r){let i=mt(lc(e),lc(t)),a=t-e,c=Jt(r/o*a,n);do{let d=n[c],h=o*d/a;if(h>=r&&i+(d<5?Rn.get(d):0)<=17)return[d,h]}while(++c<n.length);return[0,0]}function Mc(e){let t,n;return e=e.replace(/(\d+)px/,(o,r)=>(t=Be((n=+r)*pe))+"px"),[e,t,n]}function Rm(e){e.show&&[e.font,e.labelFont].forEach(t=>{let n=$e(t[2]*pe,1);t[0]=t[0].replace(/[0-9.]+px/,n+"px"),t[1]=n})}function Ke(e,t,n){let o={mode:ce(e.mode,1)},r=o.mode;function i(s,l,p,f){let v=l.valToPct(s);return f+p*(l.dir==-1?1-v:v)}function a(s,l,p,f){let v=l.valToPct(s);return f+p*(l.dir==-1?v:1-v)}function c(s,l,p,f){return l.ori==0?i(s,l,p,f):a(s,l,p,f)}o.valToPosH=i,o.valToPosV=a;let d=!1;o.status=0;let h=o.root=jt(Fp);if(e.id!=null&&(h.id=e.id),Et(h,e.class),e.title){let s=jt(Ip,h);s.textContent=e.title}let m=Yt("canvas"),g=o.ctx=m.getContext("2d"),b=jt(jp,h);eo("click",b,s=>{s.target===x&&(we!=bo||Ee!=$o)&&tt.click(o,s)},!0);let _=o.under=jt(Vp,b);b.appendChild(m);let x=o.over=jt(Hp,b);e=No(e);let T=+ce(e.pxAlign,1),C=Pc(T);(e.plugins||[]).forEach(s=>{s.opts&&(e=s.opts(o,e)||e)});let E=e.ms||.001,y=o.series=r==1?Rc(e.series||[],$c,Sc,!1):km(e.series||[null],kc),A=o.axes=Rc(e.axes||[],bc,wc,!0),k=o.scales={},q=o.bands=e.bands||[];q.forEach(s=>{s.fill=re(s.fill||null),s.dir=ce(s.dir,-1)});let N=r==2?y[1].facets[0].scale:y[0].scale,Q={axes:sd,series:td},B=(e.drawOrder||["axes","series"]).map(s=>Q[s]);function te(s){let l=s.distr==3?p=>hn(p>0?p:s.clamp(o,p,s.min,s.max,s.key)):s.distr==4?p=>ws(p,s.asinh):s.distr==100?p=>s.fwd(p):p=>p;return p=>{let f=l(p),{_min:v,_max:$}=s,w=$-v;return(f-v)/w}}function W(s){let l=k[s];if(l==null){let p=(e.scales||br)[s]||br;if(p.from!=null){W(p.from);let f=ze({},k[p.from],p,{key:s});f.valToPct=te(f),k[s]=f}else{l=k[s]=ze({},s==N?iu:pm,p),l.key=s;let f=l.time,v=l.range,$=En(v);if((s!=N||r==2&&!f)&&($&&(v[0]==null||v[1]==null)&&(v={min:v[0]==null?ic:{mode:1,hard:v[0],soft:v[0]},max:v[1]==null?ic:{mode:1,hard:v[1],soft:v[1]}},$=!1),!$&&gi(v))){let w=v;v=(S,P,D)=>P==null?Fo:di(P,D,w)}l.range=re(v||(f?Sm:s==N?l.distr==3?Pm:l.distr==4?Cm:hu:l.distr==3?gu:l.distr==4?vu:Tm)),l.auto=re($?!1:l.auto),l.clamp=re(l.clamp||dm),l._min=l._max=null,l.valToPct=te(l)}}}W("x"),W("y"),r==1&&y.forEach(s=>{W(s.scale)}),A.forEach(s=>{W(s.scale)});for(let s in e.scales)W(s);let R=k[N],G=R.distr,L,Y;R.ori==0?(Et(h,Np),L=i,Y=a):(Et(h,zp),L=a,Y=i);let H={};for(let s in k){let l=k[s];(l.min!=null||l.max!=null)&&(H[s]={min:l.min,max:l.max},l.min=l.max=null)}let ie=e.tzDate||(s=>new Date(Be(s/E))),V=e.fmtDate||Ws,ht=E==1?zf(ie):Vf(ie),Pe=gc(ie,hc(E==1?Nf:jf,V)),ae=_c(ie,vc(Wf,V)),ve=[],ne=o.legend=ze({},Gf,e.legend),I=o.cursor=ze({},Qf,{drag:{y:r==2}},e.cursor),Ie=ne.show,at=I.show,Ce=ne.markers;ne.idxs=ve,Ce.width=re(Ce.width),Ce.dash=re(Ce.dash),Ce.stroke=re(Ce.stroke),Ce.fill=re(Ce.fill);let fe,Ht,bt,Me=[],Qt=[],un,At=!1,vn={};if(ne.live){let s=y[1]?y[1].values:null;At=s!=null,un=At?s(o,1,0):{_:0};for(let l in un)vn[l]=Ns}if(Ie)if(fe=Yt("table",qp,h),bt=Yt("tbody",null,fe),ne.mount(o,fe),At){Ht=Yt("thead",null,fe,bt);let s=Yt("tr",null,Ht);Yt("th",null,s);for(var ro in un)Yt("th",Gl,s).textContent=ro}else Et(fe,Jp),ne.live&&Et(fe,Yp);let io={show:!0},Ho={show:!1};function wr(s,l){if(l==0&&(At||!ne.live||r==2))return Fo;let p=[],f=Yt("tr",Zp,bt,bt.childNodes[l]);Et(f,s.class),s.show||Et(f,Xn);let v=Yt("th",null,f);if(Ce.show){let S=jt(Qp,v);if(l>0){let P=Ce.width(o,l);P&&(S.style.border=P+"px "+Ce.dash(o,l)+" "+Ce.stroke(o,l)),S.style.background=Ce.fill(o,l)}}let $=jt(Gl,v);s.label instanceof HTMLElement?$.appendChild(s.label):$.textContent=s.label,l>0&&(Ce.show||($.style.color=s.width>0?Ce.stroke(o,l):Ce.fill(o,l)),lt("click",v,S=>{if(I._lock)return;Fn(S);let P=y.indexOf(s);if((S.ctrlKey||S.metaKey)!=ne.isolate){let D=y.some((O,z)=>z>0&&z!=P&&O.show);y.forEach((O,z)=>{z>0&&tn(z,D?z==P?io:Ho:io,!0,Oe.setSeries)})}else tn(P,{show:!s.show},!0,Oe.setSeries)},!1),co&&lt(Jl,v,S=>{I._lock||(Fn(S),tn(y.indexOf(s),wo,!0,Oe.setSeries))},!1));for(var w in un){let S=Yt("td",Xp,f);S.textContent="--",p.push(S)}return[f,p]}let Mn=new Map;function lt(s,l,p,f=!0){let v=Mn.get(l)||{},$=I.bind[s](o,l,p,f);$&&(eo(s,l,v[s]=$),Mn.set(l,v))}function so(s,l,p){let f=Mn.get(l)||{};for(let v in f)(s==null||v==s)&&(Es(v,l,f[v]),delete f[v]);s==null&&Mn.delete(l)}let dn=0,An=0,X=0,F=0,ye=0,je=0,ao=ye,Dn=je,Xt=X,Ln=F,$t=0,Dt=0,gt=0,Wt=0;o.bbox={};let Ti=!1,xr=!1,lo=!1,On=!1,kr=!1,Lt=!1;function Pi(s,l,p){(p||s!=o.width||l!=o.height)&&na(s,l),ho(!1),lo=!0,xr=!0,go()}function na(s,l){o.width=dn=X=s,o.height=An=F=l,ye=je=0,qu(),Yu();let p=o.bbox;$t=p.left=Zn(ye*pe,.5),Dt=p.top=Zn(je*pe,.5),gt=p.width=Zn(X*pe,.5),Wt=p.height=Zn(F*pe,.5)}let Bu=3;function Gu(){let s=!1,l=0;for(;!s;){l++;let p=rd(l),f=id(l);s=l==Bu||p&&f,s||(na(o.width,o.height),xr=!0)}}function Ku({width:s,height:l}){Pi(s,l)}o.setSize=Ku;function qu(){let s=!1,l=!1,p=!1,f=!1;A.forEach((v,$)=>{if(v.show&&v._show){let{side:w,_size:S}=v,P=w%2,D=v.label!=null?v.labelSize:0,O=S+D;O>0&&(P?(X-=O,w==3?(ye+=O,f=!0):p=!0):(F-=O,w==0?(je+=O,s=!0):l=!0))}}),Nn[0]=s,Nn[1]=p,Nn[2]=l,Nn[3]=f,X-=_n[1]+_n[3],ye+=_n[3],F-=_n[2]+_n[0],je+=_n[0]}function Yu(){let s=ye+X,l=je+F,p=ye,f=je;function v($,w){switch($){case 1:return s+=w,s-w;case 2:return l+=w,l-w;case 3:return p-=w,p+w;case 0:return f-=w,f+w}}A.forEach(($,w)=>{if($.show&&$._show){let S=$.side;$._pos=v(S,$._size),$.label!=null&&($._lpos=v(S,$.labelSize))}})}if(I.dataIdx==null){let s=I.hover,l=s.skip=new Set(s.skip??[]);l.add(void 0);let p=s.prox=re(s.prox),f=s.bias??=0;I.dataIdx=(v,$,w,S)=>{if($==0)return w;let P=w,D=p(v,$,w,S)??be,O=D>=0&&D<be,z=R.ori==0?X:F,J=I.left,ue=t[0],le=t[$];if(l.has(le[w])){P=null;let oe=null,K=null,j;if(f==0||f==-1)for(j=w;oe==null&&j-- >0;)l.has(le[j])||(oe=j);if(f==0||f==1)for(j=w;K==null&&j++<le.length;)l.has(le[j])||(K=j);if(oe!=null||K!=null)if(O){let ke=oe==null?-1/0:L(ue[oe],R,z,0),De=K==null?1/0:L(ue[K],R,z,0),Xe=J-ke,_e=De-J;Xe<=_e?Xe<=D&&(P=oe):_e<=D&&(P=K)}else P=K==null?oe:oe==null?K:w-oe<=K-w?oe:K}else O&&Ge(J-L(ue[w],R,z,0))>D&&(P=null);return P}}let Fn=s=>{I.event=s};I.idxs=ve,I._lock=!1;let ot=I.points;ot.show=re(ot.show),ot.size=re(ot.size),ot.stroke=re(ot.stroke),ot.width=re(ot.width),ot.fill=re(ot.fill);let en=o.focus=ze({},e.focus||{alpha:.3},I.focus),co=en.prox>=0,uo=co&&ot.one,Ot=[],po=[],fo=[];function oa(s,l){let p=ot.show(o,l);if(p instanceof HTMLElement)return Et(p,Kp),Et(p,s.class),cn(p,-10,-10,X,F),x.insertBefore(p,Ot[l]),p}function ra(s,l){if(r==1||l>0){let p=r==1&&k[s.scale].time,f=s.value;s.value=p?dc(f)?_c(ie,vc(f,V)):f||ae:f||lm,s.label=s.label||(p?em:Xf)}if(uo||l>0){s.width=s.width==null?1:s.width,s.paths=s.paths||wm||pf,s.fillTo=re(s.fillTo||fm),s.pxAlign=+ce(s.pxAlign,T),s.pxRound=Pc(s.pxAlign),s.stroke=re(s.stroke||null),s.fill=re(s.fill||null),s._stroke=s._fill=s._paths=s._focus=null;let p=cm(mt(1,s.width),1),f=s.points=ze({},{size:p,width:mt(1,p*.2),stroke:s.stroke,space:p*2,paths:xm,_stroke:null,_fill:null},s.points);f.show=re(f.show),f.filter=re(f.filter),f.fill=re(f.fill),f.stroke=re(f.stroke),f.paths=re(f.paths),f.pxAlign=s.pxAlign}if(Ie){let p=wr(s,l);Me.splice(l,0,p[0]),Qt.splice(l,0,p[1]),ne.values.push(null)}if(at){ve.splice(l,0,null);let p=null;uo?l==0&&(p=oa(s,l)):l>0&&(p=oa(s,l)),Ot.splice(l,0,p),po.splice(l,0,0),fo.splice(l,0,0)}Qe("addSeries",l)}function Ju(s,l){l=l??y.length,s=r==1?Os(s,l,$c,Sc):Os(s,l,{},kc),y.splice(l,0,s),ra(y[l],l)}o.addSeries=Ju;function Zu(s){if(y.splice(s,1),Ie){ne.values.splice(s,1),Qt.splice(s,1);let l=Me.splice(s,1)[0];so(null,l.firstChild),l.remove()}at&&(ve.splice(s,1),Ot.splice(s,1)[0].remove(),po.splice(s,1),fo.splice(s,1)),Qe("delSeries",s)}o.delSeries=Zu;let Nn=[!1,!1,!1,!1];function Qu(s,l){if(s._show=s.show,s.show){let p=s.side%2,f=k[s.scale];f==null&&(s.scale=p?y[1].scale:N,f=k[s.scale]);let v=f.time;s.size=re(s.size),s.space=re(s.space),s.rotate=re(s.rotate),En(s.incrs)&&s.incrs.forEach(w=>{!Rn.has(w)&&Rn.set(w,jc(w))}),s.incrs=re(s.incrs||(f.distr==2?Lf:v?E==1?Ff:If:Qn)),s.splits=re(s.splits||(v&&f.distr==1?ht:f.distr==3?Ms:f.distr==4?om:nm)),s.stroke=re(s.stroke),s.grid.stroke=re(s.grid.stroke),s.ticks.stroke=re(s.ticks.stroke),s.border.stroke=re(s.border.stroke);let $=s.values;s.values=En($)&&!En($[0])?re($):v?En($)?gc(ie,hc($,V)):dc($)?Hf(ie,$):$||Pe:$||tm,s.filter=re(s.filter||(f.distr>=3&&f.log==10?sm:f.distr==3&&f.log==2?am:zc)),s.font=Mc(s.font),s.labelFont=Mc(s.labelFont),s._size=s.size(o,null,l,0),s._space=s._rotate=s._incrs=s._found=s._splits=s._values=null,s._size>0&&(Nn[l]=!0,s._el=jt(Wp,b))}}function Wo(s,l,p,f){let[v,$,w,S]=p,P=l%2,D=0;return P==0&&(S||$)&&(D=l==0&&!v||l==2&&!w?Be(bc.size/3):0),P==1&&(v||w)&&(D=l==1&&!$||l==3&&!S?Be(wc.size/2):0),D}let ia=o.padding=(e.padding||[Wo,Wo,Wo,Wo]).map(s=>re(ce(s,Wo))),_n=o._padding=ia.map((s,l)=>s(o,l,Nn,0)),et,qe=null,Ye=null,Sr=r==1?y[0].idxs:null,Ut=null,Uo=!1;function sa(s,l){if(t=s??[],o.data=o._data=t,r==2){et=0;for(let p=1;p<y.length;p++)et+=t[p][0].length}else{t.length==0&&(o.data=o._data=t=[[]]),Ut=t[0],et=Ut.length;let p=t;if(G==2){p=t.slice();let f=p[0]=Array(et);for(let v=0;v<et;v++)f[v]=v}o._data=t=p}if(ho(!0),Qe("setData"),G==2&&(lo=!0),l!==!1){let p=R;p.auto(o,Uo)?Ci():$n(N,p.min,p.max),On=On||I.left>=0,Lt=!0,go()}}o.setData=sa;function Ci(){Uo=!0;let s,l;r==1&&(et>0?(qe=Sr[0]=0,Ye=Sr[1]=et-1,s=t[0][qe],l=t[0][Ye],G==2?(s=qe,l=Ye):s==l&&(G==3?[s,l]=mi(s,s,R.log,!1):G==4?[s,l]=Is(s,s,R.log,!1):R.time?l=s+Be(86400/E):[s,l]=di(s,l,js,!0))):(qe=Sr[0]=s=null,Ye=Sr[1]=l=null)),$n(N,s,l)}let Tr,mo,Ei,Ri,Mi,Ai,Di,Li,Oi,vt;function aa(s,l,p,f,v,$){s??=ql,p??=Hs,f??="butt",v??=ql,$??="round",s!=Tr&&(g.strokeStyle=Tr=s),v!=mo&&(g.fillStyle=mo=v),l!=Ei&&(g.lineWidth=Ei=l),$!=Mi&&(g.lineJoin=Mi=$),f!=Ai&&(g.lineCap=Ai=f),p!=Ri&&g.setLineDash(Ri=p)}function la(s,l,p,f){l!=mo&&(g.fillStyle=mo=l),s!=Di&&(g.font=Di=s),p!=Li&&(g.textAlign=Li=p),f!=Oi&&(g.textBaseline=Oi=f)}function Fi(s,l,p,f,v=0){if(f.length>0&&s.auto(o,Uo)&&(l==null||l.min==null)){let $=ce(qe,0),w=ce(Ye,f.length-1),S=p.min==null?sf(f,$,w,v,s.distr==3):[p.min,p.max];s.min=Zt(s.min,p.min=S[0]),s.max=mt(s.max,p.max=S[1])}}let ca={min:null,max:null};function Xu(){for(let f in k){let v=k[f];H[f]==null&&(v.min==null||H[N]!=null&&v.auto(o,Uo))&&(H[f]=ca)}for(let f in k){let v=k[f];H[f]==null&&v.from!=null&&H[v.from]!=null&&(H[f]=ca)}H[N]!=null&&ho(!0);let s={};for(let f in H){let v=H[f];if(v!=null){let $=s[f]=No(k[f],hf);if(v.min!=null)ze($,v);else if(f!=N||r==2)if(et==0&&$.from==null){let w=$.range(o,null,null,f);$.min=w[0],$.max=w[1]}else $.min=be,$.max=-be}}if(et>0){y.forEach((f,v)=>{if(r==1){let $=f.scale,w=H[$];if(w==null)return;let S=s[$];if(v==0){let P=S.range(o,S.min,S.max,$);S.min=P[0],S.max=P[1],qe=Jt(S.min,t[0]),Ye=Jt(S.max,t[0]),Ye-qe>1&&(t[0][qe]<S.min&&qe++,t[0][Ye]>S.max&&Ye--),f.min=Ut[qe],f.max=Ut[Ye]}else f.show&&f.auto&&Fi(S,w,f,t[v],f.sorted);f.idxs[0]=qe,f.idxs[1]=Ye}else if(v>0&&f.show&&f.auto){let[$,w]=f.facets,S=$.scale,P=w.scale,[D,O]=t[v],z=s[S],J=s[P];z!=null&&Fi(z,H[S],$,D,$.sorted),J!=null&&Fi(J,H[P],w,O,w.sorted),f.min=w.min,f.max=w.max}});for(let f in s){let v=s[f],$=H[f];if(v.from==null&&($==null||$.min==null)){let w=v.range(o,v.min==be?null:v.min,v.max==-be?null:v.max,f);v.min=w[0],v.max=w[1]}}}for(let f in s){let v=s[f];if(v.from!=null){let $=s[v.from];if($.min==null)v.min=v.max=null;else{let w=v.range(o,$.min,$.max,f);v.min=w[0],v.max=w[1]}}}let l={},p=!1;for(let f in s){let v=s[f],$=k[f];if($.min!=v.min||$.max!=v.max){$.min=v.min,$.max=v.max;let w=$.distr;$._min=w==3?hn($.min):w==4?ws($.min,$.asinh):w==100?$.fwd($.min):$.min,$._max=w==3?hn($.max):w==4?ws($.max,$.asinh):w==100?$.fwd($.max):$.max,l[f]=p=!0}}if(p){y.forEach((f,v)=>{r==2?v>0&&l.y&&(f._paths=null):l[f.scale]&&(f._paths=null)});for(let f in l)lo=!0,Qe("setScale",f);at&&I.left>=0&&(On=Lt=!0)}for(let f in H)H[f]=null}function ed(s){let l=Rs(qe-1,0,et-1),p=Rs(Ye+1,0,et-1);for(;s[l]==null&&l>0;)l--;for(;s[p]==null&&p<et-1;)p++;return[l,p]}function td(){if(et>0){let s=y.some(l=>l._focus)&&vt!=en.alpha;s&&(g.globalAlpha=vt=en.alpha),y.forEach((l,p)=>{if(p>0&&l.show&&(ua(p,!1),ua(p,!0),l._paths==null)){let f=vt;vt!=l.alpha&&(g.globalAlpha=vt=l.alpha);let v=r==2?[0,t[p][0].length-1]:ed(t[p]);l._paths=l.paths(o,p,v[0],v[1]),vt!=f&&(g.globalAlpha=vt=f)}}),y.forEach((l,p)=>{if(p>0&&l.show){let f=vt;vt!=l.alpha&&(g.globalAlpha=vt=l.alpha),l._paths!=null&&da(p,!1);{let v=l._paths!=null?l._paths.gaps:null,$=l.points.show(o,p,qe,Ye,v),w=l.points.filter(o,p,$,v);($||w)&&(l.points._paths=l.points.paths(o,p,qe,Ye,w),da(p,!0))}vt!=f&&(g.globalAlpha=vt=f),Qe("drawSeries",p)}}),s&&(g.globalAlpha=vt=1)}}function ua(s,l){let p=l?y[s].points:y[s];p._stroke=p.stroke(o,s),p._fill=p.fill(o,s)}function da(s,l){let p=l?y[s].points:y[s],{stroke:f,fill:v,clip:$,flags:w,_stroke:S=p._stroke,_fill:P=p._fill,_width:D=p.width}=p._paths;D=$e(D*pe,3);let O=null,z=D%2/2;l&&P==null&&(P=D>0?"#fff":S);let J=p.pxAlign==1&&z>0;if(J&&g.translate(z,z),!l){let ue=$t-D/2,le=Dt-D/2,oe=gt+D,K=Wt+D;O=new Path2D,O.rect(ue,le,oe,K)}l?Ni(S,D,p.dash,p.cap,P,f,v,w,$):nd(s,S,D,p.dash,p.cap,P,f,v,w,O,$),J&&g.translate(-z,-z)}function nd(s,l,p,f,v,$,w,S,P,D,O){let z=!1;P!=0&&q.forEach((J,ue)=>{if(J.series[0]==s){let le=y[J.series[1]],oe=t[J.series[1]],K=(le._paths||br).band;En(K)&&(K=J.dir==1?K[0]:K[1]);let j,ke=null;le.show&&K&&lf(oe,qe,Ye)?(ke=J.fill(o,ue)||$,j=le._paths.clip):K=null,Ni(l,p,f,v,ke,w,S,P,D,O,j,K),z=!0}}),z||Ni(l,p,f,v,$,w,S,P,D,O)}let pa=zo|Ds;function Ni(s,l,p,f,v,$,w,S,P,D,O,z){aa(s,l,p,f,v),(P||D||z)&&(g.save(),P&&g.clip(P),D&&g.clip(D)),z?(S&pa)==pa?(g.clip(z),O&&g.clip(O),Cr(v,w),Pr(s,$,l)):S&Ds?(Cr(v,w),g.clip(z),Pr(s,$,l)):S&zo&&(g.save(),g.clip(z),O&&g.clip(O),Cr(v,w),g.restore(),Pr(s,$,l)):(Cr(v,w),Pr(s,$,l)),(P||D||z)&&g.restore()}function Pr(s,l,p){p>0&&(l instanceof Map?l.forEach((f,v)=>{g.strokeStyle=Tr=v,g.stroke(f)}):l!=null&&s&&g.stroke(l))}function Cr(s,l){l instanceof Map?l.forEach((p,f)=>{g.fillStyle=mo=f,g.fill(p)}):l!=null&&s&&g.fill(l)}function od(s,l,p,f){let v=A[s],$;if(f<=0)$=[0,0];else{let w=v._space=v.space(o,s,l,p,f),S=v._incrs=v.incrs(o,s,l,p,f,w);$=Em(l,p,S,f,w)}return v._found=$}function zi(s,l,p,f,v,$,w,S,P,D){let O=w%2/2;T==1&&g.translate(O,O),aa(S,w,P,D,S),g.beginPath();let z,J,ue,le,oe=v+(f==0||f==3?-$:$);p==0?(J=v,le=oe):(z=v,ue=oe);for(let K=0;K<s.length;K++)l[K]!=null&&(p==0?z=ue=s[K]:J=le=s[K],g.moveTo(z,J),g.lineTo(ue,le));g.stroke(),T==1&&g.translate(-O,-O)}function rd(s){let l=!0;return A.forEach((p,f)=>{if(!p.show)return;let v=k[p.scale];if(v.min==null){p._show&&(l=!1,p._show=!1,ho(!1));return}else p._show||(l=!1,p._show=!0,ho(!1));let $=p.side,w=$%2,{min:S,max:P}=v,[D,O]=od(f,S,P,w==0?X:F);if(O==0)return;let z=v.distr==2,J=p._splits=p.splits(o,f,S,P,D,O,z),ue=v.distr==2?J.map(j=>Ut[j]):J,le=v.distr==2?Ut[J[1]]-Ut[J[0]]:D,oe=p._values=p.values(o,p.filter(o,ue,f,O,le),f,O,le);p._rotate=$==2?p.rotate(o,oe,f,O):0;let K=p._size;p._size=Vt(p.size(o,oe,f,s)),K!=null&&p._size!=K&&(l=!1)}),l}function id(s){let l=!0;return ia.forEach((p,f)=>{let v=p(o,f,Nn,s);v!=_n[f]&&(l=!1),_n[f]=v}),l}function sd(){for(let s=0;s<A.length;s++){let l=A[s];if(!l.show||!l._show)continue;let p=l.side,f=p%2,v,$,w=l.stroke(o,s),S=p==0||p==3?-1:1,[P,D]=l._found;if(l.label!=null){let ut=l.labelGap*S,xt=Be((l._lpos+ut)*pe);la(l.labelFont[0],w,"center",p==2?"top":Kl),g.save(),f==1?(v=$=0,g.translate(xt,Be(Dt+Wt/2)),g.rotate((p==3?-ci:ci)/2)):(v=Be($t+gt/2),$=xt);let jn=Fc(l.label)?l.label(o,s,P,D):l.label;g.fillText(jn,v,$),g.restore()}if(D==0)continue;let O=k[l.scale],z=f==0?gt:Wt,J=f==0?$t:Dt,ue=l._splits,le=O.distr==2?ue.map(ut=>Ut[ut]):ue,oe=O.distr==2?Ut[ue[1]]-Ut[ue[0]]:P,K=l.ticks,j=l.border,ke=K.show?K.size:0,De=Be(ke*pe),Xe=Be((l.alignTo==2?l._size-ke-l.gap:l.gap)*pe),_e=l._rotate*-ci/180,Le=C(l._pos*pe),yt=(De+Xe)*S,ct=Le+yt;$=f==0?ct:0,v=f==1?ct:0;let Ft=l.font[0],Bt=l.align==1?Ao:l.align==2?bs:_e>0?Ao:_e<0?bs:f==0?"center":p==3?bs:Ao,on=_e||f==1?"middle":p==2?"top":Kl;la(Ft,w,Bt,on);let wt=l.font[1]*l.lineGap,Nt=ue.map(ut=>C(c(ut,O,z,J))),Gt=l._values;for(let ut=0;ut<Gt.length;ut++){let xt=Gt[ut];if(xt!=null){f==0?v=Nt[ut]:$=Nt[ut],xt=""+xt;let jn=xt.indexOf(`
`)==-1?[xt]:xt.split(/\n/gm);for(let dt=0;dt<jn.length;dt++){let Ma=jn[dt];_e?(g.save(),g.translate(v,$+dt*wt),g.rotate(_e),g.fillText(Ma,0,0),g.restore()):g.fillText(Ma,v,$+dt*wt)}}}K.show&&zi(Nt,K.filter(o,le,s,D,oe),f,p,Le,De,$e(K.width*pe,3),K.stroke(o,s),K.dash,K.cap);let rn=l.grid;rn.show&&zi(Nt,rn.filter(o,le,s,D,oe),f,f==0?2:1,f==0?Dt:$t,f==0?Wt:gt,$e(rn.width*pe,3),rn.stroke(o,s),rn.dash,rn.cap),j.show&&zi([Le],[1],f==0?1:0,f==0?1:2,f==1?Dt:$t,f==1?Wt:gt,$e(j.width*pe,3),j.stroke(o,s),j.dash,j.cap)}Qe("drawAxes")}function ho(s){y.forEach((l,p)=>{p>0&&(l._paths=null,s&&(r==1?(l.min=null,l.max=null):l.facets.forEach(f=>{f.min=null,f.max=null})))})}let Er=!1,Ii=!1,Bo=[];function ad(){Ii=!1;for(let s=0;s<Bo.length;s++)Qe(...Bo[s]);Bo.length=0}function go(){Er||(wf(fa),Er=!0)}function ld(s,l=!1){Er=!0,Ii=l,s(o),fa(),l&&Bo.length>0&&queueMicrotask(ad)}o.batch=ld;function fa(){if(Ti&&(Xu(),Ti=!1),lo&&(Gu(),lo=!1),xr){if(Te(_,Ao,ye),Te(_,"top",je),Te(_,hr,X),Te(_,gr,F),Te(x,Ao,ye),Te(x,"top",je),Te(x,hr,X),Te(x,gr,F),Te(b,hr,dn),Te(b,gr,An),m.width=Be(dn*pe),m.height=Be(An*pe),A.forEach(({_el:s,_show:l,_size:p,_pos:f,side:v})=>{if(s!=null)if(l){let $=v===3||v===0?p:0,w=v%2==1;Te(s,w?"left":"top",f-$),Te(s,w?"width":"height",p),Te(s,w?"top":"left",w?je:ye),Te(s,w?"height":"width",w?F:X),Cs(s,Xn)}else Et(s,Xn)}),Tr=mo=Ei=Mi=Ai=Di=Li=Oi=Ri=null,vt=1,qo(!0),ye!=ao||je!=Dn||X!=Xt||F!=Ln){ho(!1);let s=X/Xt,l=F/Ln;if(at&&!On&&I.left>=0){I.left*=s,I.top*=l,vo&&cn(vo,Be(I.left),0,X,F),_o&&cn(_o,0,Be(I.top),X,F);for(let p=0;p<Ot.length;p++){let f=Ot[p];f!=null&&(po[p]*=s,fo[p]*=l,cn(f,Vt(po[p]),Vt(fo[p]),X,F))}}if(xe.show&&!kr&&xe.left>=0&&xe.width>0){xe.left*=s,xe.width*=s,xe.top*=l,xe.height*=l;for(let p in Bi)Te(yo,p,xe[p])}ao=ye,Dn=je,Xt=X,Ln=F}Qe("setSize"),xr=!1}dn>0&&An>0&&(g.clearRect(0,0,m.width,m.height),Qe("drawClear"),B.forEach(s=>s()),Qe("draw")),xe.show&&kr&&(Rr(xe),kr=!1),at&&On&&(In(null,!0,!1),On=!1),ne.show&&ne.live&&Lt&&(Wi(),Lt=!1),d||(d=!0,o.status=1,Qe("ready")),Uo=!1,Er=!1}o.redraw=(s,l)=>{lo=l||!1,s!==!1?$n(N,R.min,R.max):go()};function ji(s,l){let p=k[s];if(p.from==null){if(et==0){let f=p.range(o,l.min,l.max,s);l.min=f[0],l.max=f[1]}if(l.min>l.max){let f=l.min;l.min=l.max,l.max=f}if(et>1&&l.min!=null&&l.max!=null&&l.max-l.min<1e-16)return;s==N&&p.distr==2&&et>0&&(l.min=Jt(l.min,t[0]),l.max=Jt(l.max,t[0]),l.min==l.max&&l.max++),H[s]=l,Ti=!0,go()}}o.setScale=ji;let Vi,Hi,vo,_o,ma,ha,bo,$o,ga,va,we,Ee,bn=!1,tt=I.drag,Je=tt.x,Ze=tt.y;at&&(I.x&&(Vi=jt(Bp,x)),I.y&&(Hi=jt(Gp,x)),R.ori==0?(vo=Vi,_o=Hi):(vo=Hi,_o=Vi),we=I.left,Ee=I.top);let xe=o.select=ze({show:!0,over:!0,left:0,width:0,top:0,height:0},e.select),yo=xe.show?jt(Up,xe.over?x:_):null;function Rr(s,l){if(xe.show){for(let p in s)xe[p]=s[p],p in Bi&&Te(yo,p,s[p]);l!==!1&&Qe("setSelect")}}o.setSelect=Rr;function cd(s){if(y[s].show)Ie&&Cs(Me[s],Xn);else if(Ie&&Et(Me[s],Xn),at){let p=uo?Ot[0]:Ot[s];p!=null&&cn(p,-10,-10,X,F)}}function $n(s,l,p){ji(s,{min:l,max:p})}function tn(s,l,p,f){l.focus!=null&&md(s),l.show!=null&&y.forEach((v,$)=>{$>0&&(s==$||s==null)&&(v.show=l.show,cd($),r==2?($n(v.facets[0].scale,null,null),$n(v.facets[1].scale,null,null)):$n(v.scale,null,null),go())}),p!==!1&&Qe("setSeries",s,l),f&&Yo("setSeries",o,s,l)}o.setSeries=tn;function ud(s,l){ze(q[s],l)}function dd(s,l){s.fill=re(s.fill||null),s.dir=ce(s.dir,-1),l=l??q.length,q.splice(l,0,s)}function pd(s){s==null?q.length=0:q.splice(s,1)}o.addBand=dd,o.setBand=ud,o.delBand=pd;function fd(s,l){y[s].alpha=l,at&&Ot[s]!=null&&(Ot[s].style.opacity=l),Ie&&Me[s]&&(Me[s].style.opacity=l)}let pn,yn,zn,wo={focus:!0};function md(s){if(s!=zn){let l=s==null,p=en.alpha!=1;y.forEach((f,v)=>{if(r==1||v>0){let $=l||v==0||v==s;f._focus=l?null:$,p&&fd(v,$?1:en.alpha)}}),zn=s,p&&go()}}Ie&&co&&lt(Zl,fe,s=>{I._lock||(Fn(s),zn!=null&&tn(null,wo,!0,Oe.setSeries))});function nn(s,l,p){let f=k[l];p&&(s=s/pe-(f.ori==1?je:ye));let v=X;f.ori==1&&(v=F,s=v-s),f.dir==-1&&(s=v-s);let $=f._min,w=f._max,S=s/v,P=$+(w-$)*S,D=f.distr;return D==3?Oo(10,P):D==4?uf(P,f.asinh):D==100?f.bwd(P):P}function hd(s,l){let p=nn(s,N,l);return Jt(p,t[0],qe,Ye)}o.valToIdx=s=>Jt(s,t[0]),o.posToIdx=hd,o.posToVal=nn,o.valToPos=(s,l,p)=>k[l].ori==0?i(s,k[l],p?gt:X,p?$t:0):a(s,k[l],p?Wt:F,p?Dt:0),o.setCursor=(s,l,p)=>{we=s.left,Ee=s.top,In(null,l,p)};function _a(s,l){Te(yo,Ao,xe.left=s),Te(yo,hr,xe.width=l)}function ba(s,l){Te(yo,"top",xe.top=s),Te(yo,gr,xe.height=l)}let Go=R.ori==0?_a:ba,Ko=R.ori==1?_a:ba;function gd(){if(Ie&&ne.live)for(let s=r==2?1:0;s<y.length;s++){if(s==0&&At)continue;let l=ne.values[s],p=0;for(let f in l)Qt[s][p++].firstChild.nodeValue=l[f]}}function Wi(s,l){if(s!=null&&(s.idxs?s.idxs.forEach((p,f)=>{ve[f]=p}):mf(s.idx)||ve.fill(s.idx),ne.idx=ve[0]),Ie&&ne.live){for(let p=0;p<y.length;p++)(p>0||r==1&&!At)&&vd(p,ve[p]);gd()}Lt=!1,l!==!1&&Qe("setLegend")}o.setLegend=Wi;function vd(s,l){let p=y[s],f=s==0&&G==2?Ut:t[s],v;At?v=p.values(o,s,l)??vn:(v=p.value(o,l==null?null:f[l],s,l),v=v==null?vn:{_:v}),ne.values[s]=v}function In(s,l,p){ga=we,va=Ee,[we,Ee]=I.move(o,we,Ee),I.left=we,I.top=Ee,at&&(vo&&cn(vo,Be(we),0,X,F),_o&&cn(_o,0,Be(Ee),X,F));let f,v=qe>Ye;pn=be,yn=null;let $=R.ori==0?X:F,w=R.ori==1?X:F;if(we<0||et==0||v){f=I.idx=null;for(let S=0;S<y.length;S++){let P=Ot[S];P!=null&&cn(P,-10,-10,X,F)}co&&tn(null,wo,!0,s==null&&Oe.setSeries),ne.live&&(ve.fill(f),Lt=!0)}else{let S,P,D;r==1&&(S=R.ori==0?we:Ee,P=nn(S,N),f=I.idx=Jt(P,t[0],qe,Ye),D=L(t[0][f],R,$,0));let O=-10,z=-10,J=0,ue=0,le=!0,oe="",K="";for(let j=r==2?1:0;j<y.length;j++){let ke=y[j],De=ve[j],Xe=De==null?null:r==1?t[j][De]:t[j][1][De],_e=I.dataIdx(o,j,f,P),Le=_e==null?null:r==1?t[j][_e]:t[j][1][_e];if(Lt=Lt||Le!=Xe||_e!=De,ve[j]=_e,j>0&&ke.show){let yt=_e==null?-10:_e==f?D:L(r==1?t[0][_e]:t[j][0][_e],R,$,0),ct=Le==null?-10:Y(Le,r==1?k[ke.scale]:k[ke.facets[1].scale],w,0);if(co&&Le!=null){let Ft=R.ori==1?we:Ee,Bt=Ge(en.dist(o,j,_e,ct,Ft));if(Bt<pn){let on=en.bias;if(on!=0){let wt=nn(Ft,ke.scale),Nt=Le>=0?1:-1,Gt=wt>=0?1:-1;Gt==Nt&&(Gt==1?on==1?Le>=wt:Le<=wt:on==1?Le<=wt:Le>=wt)&&(pn=Bt,yn=j)}else pn=Bt,yn=j}}if(Lt||uo){let Ft,Bt;R.ori==0?(Ft=yt,Bt=ct):(Ft=ct,Bt=yt);let on,wt,Nt,Gt,rn,ut,xt=!0,jn=ot.bbox;if(jn!=null){xt=!1;let dt=jn(o,j);Nt=dt.left,Gt=dt.top,on=dt.width,wt=dt.height}else Nt=Ft,Gt=Bt,on=wt=ot.size(o,j);if(ut=ot.fill(o,j),rn=ot.stroke(o,j),uo)j==yn&&pn<=en.prox&&(O=Nt,z=Gt,J=on,ue=wt,le=xt,oe=ut,K=rn);else{let dt=Ot[j];dt!=null&&(po[j]=Nt,fo[j]=Gt,rc(dt,on,wt,xt),nc(dt,ut,rn),cn(dt,Vt(Nt),Vt(Gt),X,F))}}}}if(uo){let j=en.prox,ke=zn==null?pn<=j:pn>j||yn!=zn;if(Lt||ke){let De=Ot[0];De!=null&&(po[0]=O,fo[0]=z,rc(De,J,ue,le),nc(De,oe,K),cn(De,Vt(O),Vt(z),X,F))}}}if(xe.show&&bn)if(s!=null){let[S,P]=Oe.scales,[D,O]=Oe.match,[z,J]=s.cursor.sync.scales,ue=s.cursor.drag;if(Je=ue._x,Ze=ue._y,Je||Ze){let{left:le,top:oe,width:K,height:j}=s.select,ke=s.scales[z].ori,De=s.posToVal,Xe,_e,Le,yt,ct,Ft=S!=null&&D(S,z),Bt=P!=null&&O(P,J);Ft&&Je?(ke==0?(Xe=le,_e=K):(Xe=oe,_e=j),Le=k[S],yt=L(De(Xe,z),Le,$,0),ct=L(De(Xe+_e,z),Le,$,0),Go(Zt(yt,ct),Ge(ct-yt))):Go(0,$),Bt&&Ze?(ke==1?(Xe=le,_e=K):(Xe=oe,_e=j),Le=k[P],yt=Y(De(Xe,J),Le,w,0),ct=Y(De(Xe+_e,J),Le,w,0),Ko(Zt(yt,ct),Ge(ct-yt))):Ko(0,w)}else Gi()}else{let S=Ge(ga-ma),P=Ge(va-ha);if(R.ori==1){let J=S;S=P,P=J}Je=tt.x&&S>=tt.dist,Ze=tt.y&&P>=tt.dist;let D=tt.uni;D!=null?Je&&Ze&&(Je=S>=D,Ze=P>=D,!Je&&!Ze&&(P>S?Ze=!0:Je=!0)):tt.x&&tt.y&&(Je||Ze)&&(Je=Ze=!0);let O,z;Je&&(R.ori==0?(O=bo,z=we):(O=$o,z=Ee),Go(Zt(O,z),Ge(z-O)),Ze||Ko(0,w)),Ze&&(R.ori==1?(O=bo,z=we):(O=$o,z=Ee),Ko(Zt(O,z),Ge(z-O)),Je||Go(0,$)),!Je&&!Ze&&(Go(0,0),Ko(0,0))}if(tt._x=Je,tt._y=Ze,s==null){if(p){if(Ra!=null){let[S,P]=Oe.scales;Oe.values[0]=S!=null?nn(R.ori==0?we:Ee,S):null,Oe.values[1]=P!=null?nn(R.ori==1?we:Ee,P):null}Yo($s,o,we,Ee,X,F,f)}if(co){let S=p&&Oe.setSeries,P=en.prox;zn==null?pn<=P&&tn(yn,wo,!0,S):pn>P?tn(null,wo,!0,S):yn!=zn&&tn(yn,wo,!0,S)}}Lt&&(ne.idx=f,Wi()),l!==!1&&Qe("setCursor")}let wn=null;Object.defineProperty(o,"rect",{get(){return wn==null&&qo(!1),wn}});function qo(s=!1){s?wn=null:(wn=x.getBoundingClientRect(),Qe("syncRect",wn))}function $a(s,l,p,f,v,$,w){I._lock||bn&&s!=null&&s.movementX==0&&s.movementY==0||(Ui(s,l,p,f,v,$,w,!1,s!=null),s!=null?In(null,!0,!0):In(l,!0,!1))}function Ui(s,l,p,f,v,$,w,S,P){if(wn==null&&qo(!1),Fn(s),s!=null)p=s.clientX-wn.left,f=s.clientY-wn.top;else{if(p<0||f<0){we=-10,Ee=-10;return}let[D,O]=Oe.scales,z=l.cursor.sync,[J,ue]=z.values,[le,oe]=z.scales,[K,j]=Oe.match,ke=l.axes[0].side%2==1,De=R.ori==0?X:F,Xe=R.ori==1?X:F,_e=ke?$:v,Le=ke?v:$,yt=ke?f:p,ct=ke?p:f;if(le!=null?p=K(D,le)?c(J,k[D],De,0):-10:p=De*(yt/_e),oe!=null?f=j(O,oe)?c(ue,k[O],Xe,0):-10:f=Xe*(ct/Le),R.ori==1){let Ft=p;p=f,f=Ft}}P&&(l==null||l.cursor.event.type==$s)&&((p<=1||p>=X-1)&&(p=Zn(p,X)),(f<=1||f>=F-1)&&(f=Zn(f,F))),S?(ma=p,ha=f,[bo,$o]=I.move(o,p,f)):(we=p,Ee=f)}let Bi={width:0,height:0,left:0,top:0};function Gi(){Rr(Bi,!1)}let ya,wa,xa,ka;function Sa(s,l,p,f,v,$,w){bn=!0,Je=Ze=tt._x=tt._y=!1,Ui(s,l,p,f,v,$,w,!0,!1),s!=null&&(lt(ys,Ts,Ta,!1),Yo(Yl,o,bo,$o,X,F,null));let{left:S,top:P,width:D,height:O}=xe;ya=S,wa=P,xa=D,ka=O}function Ta(s,l,p,f,v,$,w){bn=tt._x=tt._y=!1,Ui(s,l,p,f,v,$,w,!1,!0);let{left:S,top:P,width:D,height:O}=xe,z=D>0||O>0,J=ya!=S||wa!=P||xa!=D||ka!=O;if(z&&J&&Rr(xe),tt.setScale&&z&&J){let ue=S,le=D,oe=P,K=O;if(R.ori==1&&(ue=P,le=O,oe=S,K=D),Je&&$n(N,nn(ue,N),nn(ue+le,N)),Ze)for(let j in k){let ke=k[j];j!=N&&ke.from==null&&ke.min!=be&&$n(j,nn(oe+K,j),nn(oe,j))}Gi()}else I.lock&&(I._lock=!I._lock,In(l,!0,s!=null));s!=null&&(so(ys,Ts),Yo(ys,o,we,Ee,X,F,null))}function _d(s,l,p,f,v,$,w){if(I._lock)return;Fn(s);let S=bn;if(bn){let P=!0,D=!0,O=10,z,J;R.ori==0?(z=Je,J=Ze):(z=Ze,J=Je),z&&J&&(P=we<=O||we>=X-O,D=Ee<=O||Ee>=F-O),z&&P&&(we=we<bo?0:X),J&&D&&(Ee=Ee<$o?0:F),In(null,!0,!0),bn=!1}we=-10,Ee=-10,ve.fill(null),In(null,!0,!0),S&&(bn=S)}function Pa(s,l,p,f,v,$,w){I._lock||(Fn(s),Ci(),Gi(),s!=null&&Yo(Ql,o,we,Ee,X,F,null))}function Ca(){A.forEach(Rm),Pi(o.width,o.height,!0)}eo(ui,Lo,Ca);let xo={};xo.mousedown=Sa,xo.mousemove=$a,xo.mouseup=Ta,xo.dblclick=Pa,xo.setSeries=(s,l,p,f)=>{let v=Oe.match[2];p=v(o,l,p),p!=-1&&tn(p,f,!0,!1)},at&&(lt(Yl,x,Sa),lt($s,x,$a),lt(Jl,x,s=>{Fn(s),qo(!1)}),lt(Zl,x,_d),lt(Ql,x,Pa),Ls.add(o),o.syncRect=qo);let Mr=o.hooks=e.hooks||{};function Qe(s,l,p){Ii?Bo.push([s,l,p]):s in Mr&&Mr[s].forEach(f=>{f.call(null,o,l,p)})}(e.plugins||[]).forEach(s=>{for(let l in s.hooks)Mr[l]=(Mr[l]||[]).concat(s.hooks[l])});let Ea=(s,l,p)=>p,Oe=ze({key:null,setSeries:!1,filters:{pub:cc,sub:cc},scales:[N,y[1]?y[1].scale:null],match:[uc,uc,Ea],values:[null,null]},I.sync);Oe.match.length==2&&Oe.match.push(Ea),I.sync=Oe;let Ra=Oe.key,Ki=su(Ra);function Yo(s,l,p,f,v,$,w){Oe.filters.pub(s,l,p,f,v,$,w)&&Ki.pub(s,l,p,f,v,$,w)}Ki.sub(o);function bd(s,l,p,f,v,$,w){Oe.filters.sub(s,l,p,f,v,$,w)&&xo[s](null,l,p,f,v,$,w)}o.pub=bd;function $d(){Ki.unsub(o),Ls.delete(o),Mn.clear(),Es(ui,Lo,Ca),h.remove(),fe?.remove(),Qe("destroy")}o.destroy=$d;function qi(){Qe("init",e,t),sa(t||e.data,!1),H[N]?ji(N,H[N]):Ci(),kr=xe.show&&(xe.width>0||xe.height>0),On=Lt=!0,Pi(e.width,e.height)}return y.forEach(ra),A.forEach(Qu),n?n instanceof HTMLElement?(n.appendChild(h),qi()):n(o,qi):qi(),o}Ke.assign=ze;Ke.fmtNum=Vs;Ke.rangeNum=di;Ke.rangeLog=mi;Ke.rangeAsinh=Is;Ke.orient=no;Ke.pxRatio=pe;Ke.join=yf;Ke.fmtDate=Ws,Ke.tzDate=Af;Ke.sync=su;{Ke.addGap=mm,Ke.clipGaps=vi;let e=Ke.paths={points:pu};e.linear=mu,e.stepped=vm,e.bars=_m,e.spline=$m}var Js=e=>getComputedStyle(document.documentElement).getPropertyValue(e).trim();function yr({label:e,times:t,lines:n,by:o,height:r=220}){let i=rt(null),a=rt(null),c=rt(null),d=rt({lines:n,by:o});d.current={lines:n,by:o};let h=n.map(({name:m,tone:g,bars:b,dashed:_})=>[m,g,b,_].join()).join(";");return nt(()=>{let m=i.current,g=Mm(m.clientWidth,r,d.current);g.hooks={setCursor:[x=>Vm(x,a.current,d.current)]};let b=new Ke(g,_u(t,n),m);c.current=b;let _=new ResizeObserver(()=>b.setSize({width:m.clientWidth,height:r}));return _.observe(m),()=>{_.disconnect(),b.destroy()}},[h,o,Kr.value,se.value,r]),nt(()=>c.current?.setData(_u(t,n)),[t,n]),u`<div class="chart" role="img" aria-label=${e}>
    <div ref=${i}></div>
    <div class="tip" ref=${a} hidden></div>
  </div>`}var _u=(e,t)=>[e,...t.map(({values:n})=>n)];function Mm(e,t,{lines:n,by:o}){let[r,i]=[Js("--muted"),Js("--line")],c={stroke:r,font:"12px system-ui, sans-serif",grid:{stroke:i,width:1},ticks:{show:!1}};return{width:e,height:t,padding:[8,24,0,0],legend:{show:!1},cursor:{y:!1,drag:{x:!1,y:!1},points:{size:7}},tzDate:d=>Ke.tzDate(new Date(d*1e3),se.value),scales:{x:{range:(d,h,m)=>Nm(h,m,n)},y:{range:(d,h,m)=>[0,Math.max(4,m*1.1)]}},axes:[{...c,grid:{show:!1},space:64,size:26,incrs:Fm[o],values:(d,h)=>h.map(m=>Am[o](m*1e3,se.value))},{...c,size:44,gap:4,space:36,incrs:Im,values:(d,h)=>h.map(m=>zm.format(m))}],series:[{},...n.map(jm)]}}var Am={second:ur,minute:ur,hour:ur,day:hs},Dm={second:Pn,minute:ur,hour:kl,day:hs},bu=60,Lm=3600,Om=86400,Fm={second:[1,2,5,15].map(e=>e*bu),minute:[1,5,10,15].map(e=>e*bu),hour:[1,2,3,4,6,12].map(e=>e*Lm),day:[1,2,3,5,7,14,30,60,90].map(e=>e*Om)};function Nm(e,t,n){let o=n.some(({bars:r})=>r)?(t-e)/Math.max(2,n[0].values.length-1)/2:0;return[e-o,t+o]}var zm=new Intl.NumberFormat(navigator.language,{notation:"compact"}),Im=[1,2,5].flatMap(e=>Array.from({length:12},(t,n)=>e*10**n)).sort((e,t)=>e-t);function jm({name:e,tone:t,bars:n,dashed:o}){let r=Js(t==="soft"?"--chart-soft":`--chart-${t}`),i={label:e,stroke:r,points:{show:!1}};return n?{...i,width:0,fill:r,paths:Ke.paths.bars({size:[.8,40],radius:.15})}:{...i,width:2,...o?{dash:[5,5]}:{},...t==="a"?{fill:`${r}18`}:{}}}function Vm(e,t,{lines:n,by:o}){let r=e.cursor.idx;if(!t||(t.hidden=r==null||(e.cursor.left??-1)<0,t.hidden||r===null||r===void 0))return;let i=n.map(({name:d,show:h},m)=>{let g=e.data[m+1]?.[r];return g==null?"":`${d} ${(h??String)(g)}`});t.textContent=[Dm[o](e.data[0][r]*1e3,se.value),...i.filter(Boolean)].join(" · ");let a=(e.cursor.left??0)+52,c=e.root.clientWidth-t.clientWidth-4;t.style.left=`${Math.max(0,Math.min(a,c))}px`,t.style.top="4px"}function oo({of:e,head:t,empty:n,choose:o}){if(e.length===0)return u`<${ge} what=${n} />`;let r=[...e].sort((a,c)=>c.value-a.value),i=Math.max(1,...e.map(({value:a})=>a));return u`<p class="rank-head" aria-hidden="true"><span>${t[0]}</span><span>${t[1]}</span></p>
    <ul class="rank" aria-label=${`${t[0]} by ${t[1].toLowerCase()}`}>
      ${r.map(({key:a,text:c,value:d})=>{let h=u`<${M} text=${c??a} empty="(none)" />`;return u`<li key=${a}>
          <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <rect width=${100*d/i} height="1" />
          </svg>
          <span class="what" title=${c??a}
            >${o?u`<button type="button" class="link" onClick=${()=>o(a)}>${h}</button>`:h}</span
          >
          <span class="value">${Ae(d)}</span>
        </li>`})}
    </ul>`}var Hm={connecting:"connecting",open:"live",waiting:"connecting again",missing:"off"};function $u({presence:e,report:t,samples:n,state:o}){return u`<div class="live-top">
      <section class="panel" aria-label="Active now">
        <header>
          <h2>Active now</h2>
          <span class=${`status ${o}`} role="status"><i></i>${Hm[o]}</span>
        </header>
        <div class="body stack">
          <div class="now-number">
            <strong>${e?Ae(e.m5):"–"}</strong>
            <span class="muted">visitors in the last 5 minutes${e?.estimated&&", about"}</span>
          </div>
          <${_t}
            compact
            of=${[{name:"1 minute",value:e?Ae(e.m1):"–"},{name:"30 minutes",value:e?Ae(e.m30):"–"},{name:"Sessions",value:e?Ae(e.sessions):"–"},{name:"Average",value:e?Yr(e.ema):"–"}]}
          />
          <${Wm} samples=${n} />
          ${e?.degraded&&u`<p class="small warn">Numbers of this router alone: the shared store does not answer.</p>`}
        </div>
      </section>
      <${Um} report=${t} />
    </div>
    <div class="grid thirds">
      <${de} title="Pages now" flush>
        <${oo}
          of=${(e?.pages??[]).map(({path:r,visitors:i})=>({key:r,value:i}))}
          head=${["Page","Visitors"]}
          empty="Nobody is on a page."
        />
      <//>
      <${Km} />
      <${qm} presence=${e} carts=${t?.totals.carts} />
    </div>`}function Wm({samples:e}){if(e.length<2)return null;let t=e.map(({ema:n})=>n);return u`<div>
    <${yr}
      label=${`Moving average of active visitors, ${Yr(t.at(-1))} now`}
      height=${92}
      times=${e.map(({at:n})=>n)}
      by="second"
      lines=${[{name:"average",tone:"a",values:t,show:Yr}]}
    />
    <p class="legend"><span>moving average of active visitors</span></p>
  </div>`}function Um({report:e}){let t=e?.rows??[],n=t.map(o=>o.visitors);return u`<${de}
    title="Last 30 minutes"
    tools=${u`<p class="legend"><span>visitors</span><span class="b">events</span></p>`}
  >
    ${!e&&u`<p class="waiting">Loading…</p>`}
    ${e&&t.every(({events:o})=>o===0)?u`<${ge}
            what="Nobody was here."
            next=${u`Events of browsers show up here within two seconds. <a href="#/sources">Get a snippet</a>`}
          />`:e&&u`<${yr}
            label=${`Visitors by minute, ${Math.max(...n)} at most`}
            height=${250}
            times=${t.map(({minute:o})=>new Date(o).getTime()/1e3)}
            by="minute"
            lines=${[{name:"visitors",tone:"a",values:n,bars:!0,show:Z},{name:"events",tone:"b",values:t.map(({events:o})=>o),show:Z}]}
          />`}
  <//>`}var Bm=18e5,Gm=15e3;function Km(){let e=new Date(Math.floor((Date.now()-Bm)/6e4)*6e4).toISOString(),t=new Date(Math.ceil(Date.now()/6e4)*6e4+6e4).toISOString(),{data:n}=ee(We("/api/stats/geo",{site:Kt.value,from:e,to:t,limit:10}),Gm);return u`<${de} title="Countries, 30 minutes" flush>
    <${oo}
      of=${(n?.rows??[]).map(o=>({key:o.country,text:Tn(o.country),value:o.visitors}))}
      head=${["Country","Visitors"]}
      empty="No session has begun."
    />
  <//>`}function qm({presence:e,carts:t}){let n=Object.entries(e?.orders.revenue??{});return u`<${de} title="Orders today">
    <${_t}
      compact
      of=${[{name:"Orders",value:e?Z(e.orders.count):"–"},...n.map(([o,{net:r}])=>({name:`Revenue, ${o}`,value:Yn(r,o)})),{name:"Open carts",value:t===void 0?"–":Z(t)}]}
    />
  <//>`}function yu(e){return class extends kn{shouldComponentUpdate(n){return Object.keys(n).some(o=>n[o]!==this.props[o])}render(){return u`<${e} ...${this.props} />`}}}var yi=class{byId=new Map;next=0;left=0;take(t){for(let[n,o]of t)this.one(n,o);for(let n of this.byId.keys()){if(this.byId.size<=500)break;this.byId.delete(n),this.left+=1}}clear(){this.byId.clear()}all(){return[...this.byId.values()].reverse()}one(t,n){let o=n.message_id??`(none ${this.next})`,r=this.byId.get(o);if(!r&&t!=="accepted"&&t!=="rejected"&&!n.destination)return;let i=r??this.made(o,n),a=t==="rejected"?{...i,rejected:n.reason??"rejected"}:{...i};n.destination&&(a.fates={...i.fates,[n.destination]:Ym(t,n,i.fates[n.destination])}),this.byId.set(o,a)}made(t,n){let{at:o,kind:r,name:i,source:a}=n;return this.next+=1,{id:t,key:this.next,at:o,kind:r??"",name:i??"",source:a??"",rejected:null,fates:{}}}};function Ym(e,t,n){let o=(n?.attempts??0)+(e==="attempt"?1:0);return{outcome:t.outcome??e,reason:t.reason,status:t.status??n?.status??null,latency:t.latency_ms??n?.latency??null,attempts:o}}function wu(e,{text:t,kind:n,outcome:o}){if(n&&e.kind!==n||o&&!Jm(e).includes(o))return!1;if(!t)return!0;let r=t.toLowerCase();return[e.id,e.name,e.source,...Object.keys(e.fates)].some(i=>i.toLowerCase().includes(r))}var Jm=e=>[...e.rejected?["rejected"]:[],...Object.values(e.fates).map(({outcome:t})=>t)];var Qm=["accepted","rejected","attempt","settled","gap","sampled"],Xm=40,xu=5e3,eh=["track","page","screen","identify","group","alias"],th=["delivered","skipped","transient","throttled","broken","refused","dead","rejected"];function Su(){let{state:e,rows:t,isPaused:n,isRead:o,pause:r,read:i,clear:a,left:c}=rh(),[d,h]=U({text:"",kind:"",outcome:""}),[m,g]=U(""),b=t.filter(T=>wu(T,d)),_=n||o?b:b.slice(0,Xm),x=T=>C=>h({...d,[T]:C.target.value});return u`<section class="panel" aria-label="Events">
    <header>
      <h2>Events</h2>
      <span class=${`status ${e}`} role="status"><i></i>${n?"paused":o?"held while you read":nh[e]}</span>
      <div class="bar">
        <input
          type="search"
          aria-label="Filter by event, source, destination or id"
          placeholder="Event, source, destination, id"
          value=${d.text}
          onInput=${x("text")}
        />
        <${ku} label="Kind" all="All kinds" of=${eh} value=${d.kind} change=${x("kind")} />
        <${ku} label="Outcome" all="All outcomes" of=${th} value=${d.outcome} change=${x("outcome")} />
        <${ft}
          label="Tail"
          of=${oh}
          value=${n?"pause":"go"}
          choose=${T=>r(T==="pause")}
        />
        <button type="button" onClick=${a}>Clear</button>
      </div>
    </header>
    ${c>0&&u`<p class="muted small pad">${c} more than could be shown were left out; all of them are stored.</p>`}
    <${ih} see=${g} />
    <div class="tail" onScroll=${T=>i(T.target.scrollTop>4)} tabindex="0" role="region" aria-label="Newest events">
      ${_.length===0?u`<${sh} state=${e} isFiltered=${t.length>0} />`:u`<table>
              <thead>
                <tr>
                  <th scope="col" class="c-time">Time</th>
                  <th scope="col" class="c-kind">Kind</th>
                  <th scope="col" class="c-name">Event</th>
                  <th scope="col" class="c-source">Source</th>
                  <th scope="col">Destinations</th>
                </tr>
              </thead>
              <tbody>
                ${_.map(T=>u`<${ah} key=${T.key} row=${T} see=${g} zone=${se.value} />`)}
              </tbody>
            </table>`}
    </div>
    ${m&&u`<${ii} id=${m} close=${()=>g("")} />`}
  </section>`}var nh={connecting:"connecting",open:"live",waiting:"connecting again",missing:"off"},oh=[["go","Follow"],["pause","Pause"]];function rh(){let e=rt(new yi),t=rt([]),n=rt(0),o=rt(0),r=rt(!1),[i,a]=U([]),[c,d]=U(!1),[h,m]=U(!1),g=()=>{o.current=0,!(r.current||t.current.length===0)&&(e.current.take(t.current.splice(0)),a(e.current.all()))},b=Mo("/api/live",Qm,(E,y)=>{if(E==="gap"||E==="sampled"){let{missed:A,left_out:k}=y;n.current+=A??k??0;return}t.current.push([E,y]),t.current.length>xu&&(n.current+=t.current.splice(0,t.current.length-xu).length),o.current||(o.current=requestAnimationFrame(g))});nt(()=>()=>cancelAnimationFrame(o.current),[]);let _=E=>{r.current=E,E||g()};return{state:b,rows:i,isPaused:c,isRead:h,pause:E=>{d(E),_(E||h)},read:E=>{E!==h&&(m(E),_(E||c))},clear:()=>{e.current.clear(),t.current=[],n.current=0,a([])},left:n.current}}var ku=({label:e,all:t,of:n,value:o,change:r})=>u`<select aria-label=${e} value=${o} onChange=${r}>
    <option value="">${t}</option>
    ${n.map(i=>u`<option key=${i} value=${i}>${i}</option>`)}
  </select>`;function ih({see:e}){return u`<form class="bar pad" onSubmit=${n=>{n.preventDefault();let o=String(new FormData(n.currentTarget).get("id")??"").trim();o&&e(o)}}>
    <input name="id" aria-label="Message id" placeholder="Find any stored event by its messageId" autocomplete="off" />
    <button>Find</button>
  </form>`}function sh({state:e,isFiltered:t}){return t?u`<${ge} what="No event passes the filter." next=${`The last ${500} events are looked at.`} />`:e==="missing"?u`<${ge}
      what="This router has no live tap."
      next="Events are stored and delivered all the same; find one by its id above."
    />`:u`<${ge}
    what="Waiting for events."
    next=${u`They show up here as they are accepted. <a href="#/sources">Send the first one</a>`}
  />`}var ah=yu(({row:e,see:t})=>{let n=Object.entries(e.fates);return u`<tr class="pick">
    <td class="c-time tight muted"><time datetime=${e.at}>${Pn(e.at,se.value)}</time></td>
    <td class="c-kind"><span class="muted">${e.kind}</span></td>
    <td class="name c-name">
      <button type="button" class="link" onClick=${()=>t(e.id)}>
        <${M} text=${e.name||e.kind||"(no name)"} />
      </button>
    </td>
    <td class="c-source"><${M} text=${e.source} /></td>
    <td>
      <span class="chips">
        ${e.rejected&&u`<${Ct} word="dead" text=${`rejected: ${e.rejected}`} />`}
        ${n.map(([o,r])=>u`<${Ct} key=${o} word=${r.outcome} text=${`${o}: ${r.outcome}${r.attempts>1?` ×${r.attempts}`:""}`} title=${lh(r)} />`)}
        ${!e.rejected&&n.length===0&&u`<span class="chip plain quiet">accepted</span>`}
      </span>
    </td>
  </tr>`}),lh=({reason:e,status:t,latency:n})=>[e,t!==null&&`status ${t}`,n!==null&&Co(n)].filter(Boolean).join(", ");var ch=["snapshot","presence"],uh=5e3,dh=900;function Tu(){let e={site:Kt.value},[t,n]=U(),[o,r]=U([]),i=Mo(We("/presence/stream",e),ch,(c,d)=>{let h=d;n(h),r(m=>[...m.slice(1-dh),{at:Date.now()/1e3,ema:h.ema}])}),a=ee(i==="missing"?null:We("/api/stats/realtime",e),uh);return u`<div class="top">
      <h1>Live</h1>
      <${Qr} />
    </div>
    <div class="stack">
      ${i==="missing"?u`<p class="notice">
              <span>Visitors are not counted here: <code>[realtime] enabled</code> is off.</span>
            </p>`:u`<${zt} trouble=${a.trouble} />
              <${$u}
                presence=${t??a.data?.totals}
                report=${a.data}
                samples=${o}
                state=${i}
              />`}
      <${Su} />
    </div>`}var wi=3e4;function Pu(){let e=an().isHourly?"hour":"day",t=ee(st("series",{bucket:e,limit:1e3}),wi),n=ee(st("series",{bucket:e,limit:1e3},"before"),0);return u`<${Cn} title="Overview" isFiltered />
    <div class="stack">
      <${Se} of=${t}
        >${o=>u`<${ph} of=${o.totals} before=${n.data?.totals} /><${mh} of=${o} before=${n.data} />`}<//
      >
      <div class="grid">
        <${Zs} title="Sources" report="sources" of=${hh} />
        <${bh} />
        <${Zs} title="Places" report="geo" of=${gh} />
        <${Zs} title="Devices" report="devices" of=${vh} />
        <${$h} />
      </div>
    </div>`}function ph({of:e,before:t}){let n=(o,r)=>({name:o,value:Ae(e[r]??0),...ti(e[r]??0,t?.[r])});return u`<${_t}
    of=${[n("Visitors","visitors"),n("Views","views"),n("Sessions","sessions"),{name:"Bounce rate",value:qt(e.bounce_rate??0),beside:t&&`${qt(t.bounce_rate??0)} before`},{name:"Duration",value:Ne((e.avg_duration_s??0)*1e3),beside:t&&`${Ne((t.avg_duration_s??0)*1e3)} before`},n("Conversions","conversions")]}
  />`}var fh=[["visitors","Visitors"],["views","Views"],["sessions","Sessions"]];function mh({of:e,before:t}){let[n,o]=U("visitors"),r=an().isHourly,i=e.rows.map(c=>c[n]),a=u`<${ft} tabs label="What is drawn" of=${fh} value=${n} choose=${o} />`;return u`<${de} title=${r?"By hour":"By day"} tools=${a}>
    ${i.every(c=>c===0)?u`<${ge}
            what="Nobody came in this time."
            next=${u`Choose a longer period, or <a href="#/sources">install the tracker</a>.`}
          />`:u`<${yr}
              label=${`${n} over time: ${Z(Math.max(...i))} at most`}
              height=${260}
              times=${e.rows.map(({time:c})=>new Date(c).getTime()/1e3)}
              by=${r?"hour":"day"}
              lines=${[{name:n,tone:"a",values:i,show:Z},{name:"before",tone:"soft",dashed:!0,values:e.rows.map((c,d)=>t?.rows[d]?.[n]??null),show:Z}]}
            />
            <p class="legend"><span>this period</span><span class="soft">the time before</span></p>`}
  <//>`}var hh=[["channel","Channel"],["source","Source"],["medium","Medium"],["campaign","Campaign"],["referrer","Referrer"]],gh=[["country","Country"],["region","Region"],["city","City"]],vh=[["device","Device"],["browser","Browser"],["os","System"]];function Zs({title:e,report:t,of:n}){let[o,r]=U(n[0][0]),i=ee(st(t,{by:o,limit:10}),wi),a=u`<${ft} tabs label=${`${e} by`} of=${n} value=${o} choose=${r} />`;return u`<${de} title=${e} tools=${a} flush>
    <${Se} of=${i}>
      ${({rows:c})=>u`<${oo}
          head=${[n.find(([d])=>d===o)[1],"Visitors"]}
          empty="Nothing in this time."
          choose=${d=>ei(o,d)}
          of=${c.map(d=>({key:String(d[o]??""),text:o==="country"?Tn(String(d[o])):String(d[o]??""),value:Number(d.visitors)}))}
        />`}
    <//>
  <//>`}var _h=[["views","Top"],["entries","Entry"],["exits","Exit"]];function bh(){let[e,t]=U("views"),n=ee(st("pages",{limit:100}),wi),o=u`<${ft} tabs label="Pages by" of=${_h} value=${e} choose=${t} />`;return u`<${de} title="Pages" tools=${o} flush>
    <${Se} of=${n}>
      ${({rows:r})=>{let a=r.filter(c=>c[e]>0).sort((c,d)=>d[e]-c[e]).slice(0,10).map(c=>({key:c.path,value:c[e]}));return u`<${oo}
          head=${["Page",e==="views"?"Views":"Sessions"]}
          empty="No page was seen in this time."
          choose=${c=>ei("path",c)}
          of=${a}
        />`}}
    <//>
  <//>`}function $h(){let e=ee(st("events",{limit:10}),wi);return u`<${de} title="Events" class="whole" flush>
    <${Se} of=${e}>
      ${({rows:t})=>u`<${oo}
          head=${["Event","Count"]}
          empty="No track call in this time."
          choose=${n=>ei("event",n)}
          of=${t.map(n=>({key:n.event??n.name??"",value:n.count}))}
        />`}
    <//>
  <//>`}var Ru=3e4,Mu={LCP:["Largest content painted",2500,4e3],INP:["Interaction to next paint",200,500],CLS:["Layout shift",.1,.25],FCP:["First content painted",1800,3e3],TTFB:["First byte",800,1800]},Cu=Object.keys(Mu),Qs={good:"good","needs-improvement":"warn",needs_improvement:"warn",poor:"bad"},ea={good:"good",warn:"needs improvement",bad:"poor"};function Au(){let e=ee(st("vitals"),Ru);return u`<${Cn} title="Performance" isFiltered />
    <div class="stack">
      <${Se} of=${e}>
        ${({rows:t})=>t.length===0?u`<section class="panel">
                <${ge}
                  what="No web vitals in this time."
                  next=${u`The tracker measures them by itself: <a href="#/sources">install it</a> with <code>sampleVitals</code> above 0.`}
                />
              </section>`:u`<div class="grid">
                  ${Eu(t).map(n=>u`<${yh} key=${n.metric} of=${n} />`)}
                </div>
                <${wh} of=${Eu(t).map(({metric:n})=>n)} />`}
      <//>
    </div>`}var Eu=e=>[...e].sort((t,n)=>Cu.indexOf(t.metric)-Cu.indexOf(n.metric)),xi=(e,t)=>e==="CLS"?t.toFixed(2):t>=1e3?`${(t/1e3).toFixed(2)} s`:`${Math.round(t)} ms`;function Du({samples:e,good:t,needs_improvement:n,poor:o}){let r=t+n+o>1.5&&e||1;return[{tone:"good",share:t/r},{tone:"warn",share:n/r},{tone:"bad",share:o/r}]}var Xs=e=>Du(e).map(({tone:t,share:n})=>`${qt(n)} ${ea[t]}`).join(", ");function yh({of:e}){let[t,n,o]=Mu[e.metric]??[e.metric,0,0],r=Qs[e.rating]??"warn";return u`<${de}
    title=${`${t} (${e.metric})`}
    tools=${u`<span class=${`chip ${r}`}>${ea[r]}</span>`}
  >
    <div class="vital">
      <p>
        <span class="value">${xi(e.metric,e.p75)}</span>${" "}<span class="muted">at p75 of ${Z(e.samples)} views</span>
      </p>
      <${Eo} label=${Xs(e)} parts=${Du(e)} />
      <p class="small muted">
        ${Xs(e)}. Good up to ${xi(e.metric,n)}, poor beyond ${xi(e.metric,o)}.
      </p>
    </div>
  <//>`}function wh({of:e}){let[t,n]=U(e[0]??"LCP"),o=ee(st("vitals",{by:"path",limit:1e3}),Ru),r=u`<${ft}
    tabs
    label="Metric"
    of=${e.map(i=>[i,i])}
    value=${t}
    choose=${n}
  />`;return u`<${de} title="By page" tools=${r} flush>
    <${Se} of=${o}>
      ${({rows:i})=>{let a=i.filter(c=>c.metric===t).sort((c,d)=>d.samples-c.samples).slice(0,50);return a.length===0?u`<${ge} what="Not measured on any page." />`:u`<${mn} label="Web vitals by page" head=${[["Page"],["p75",!0],["Rating"],["Views",!0]]}
          >${a.map(c=>u`<tr key=${c.path}>
                <td><${M} text=${c.path} /></td>
                <td class="num">${xi(t,c.p75)}</td>
                <td>
                  <span class=${`chip ${Qs[c.rating]??"warn"}`} title=${Xs(c)}
                    >${ea[Qs[c.rating]??"warn"]}</span
                  >
                </td>
                <td class="num">${Z(c.samples)}</td>
              </tr>`)}<//
        >`}}
    <//>
  <//>`}var xh=5e3;function Ou(){let e=ee("/api/schema",xh);return u`<div class="top"><h1>Schema</h1></div>
    <div class="stack">
      <${Se} of=${e}>
        ${t=>u`<${kh} of=${t.closed??[]} /><${Sh} of=${t.conflicts} /><${Th} of=${t.tables} /><${Eh} of=${t.log} />`}
      <//>
    </div>`}var kh=({of:e})=>e.map(({destination:t,table:n,why:o,ddl:r})=>u`<div class="notice warn" key=${t+n}>
        <div>
          <strong><${M} text=${`${t}: table ${n} may not be changed at present.`} /></strong>
          <${M} text=${o} />
          ${r&&u`<pre class="words" tabindex="0"><${M} text=${r} /></pre>`}
        </div>
      </div>`),Sh=({of:e})=>e.length===0?null:u`<${de} title="Conflicts" flush>
        <p class="muted small pad">
          Values that their column does not take. None is lost: they are in <code>_unmapped</code>, or the column was
          widened.
        </p>
        <${mn}
          label="Conflicts"
          head=${[["Warehouse"],["Table"],["Column"],["Has"],["Was given"],["Values",!0]]}
          >${e.map(t=>u`<tr key=${t.destination+t.table+t.column+t.got}>
                <td><${M} text=${t.destination} /></td>
                <td><${M} text=${t.table} /></td>
                <td><${M} text=${t.column} /></td>
                <td><code>${t.have}</code></td>
                <td><code>${t.got}</code></td>
                <td class="num">${Z(t.count)}</td>
              </tr>`)}<//
        >
      <//>`;function Th({of:e}){let[t,n]=U(""),o=e.filter(({name:i,columns:a})=>[i,...a.map(c=>c.name)].some(c=>c.includes(t.toLowerCase()))),r=u`<input
    type="search"
    aria-label="Filter by table or column"
    placeholder="Table or column"
    value=${t}
    onInput=${i=>n(i.target.value)}
  />`;return u`<${de} title=${`Tables (${Z(e.length)})`} tools=${e.length>0&&r} flush>
    ${e.length===0&&u`<${ge} what="No tables yet." next=${u`They appear with the first events of a warehouse: <a href="#/destinations">see the destinations</a>.`} />`}
    ${e.length>0&&o.length===0&&u`<${ge} what="No table or column of this name." />`}
    <div class="list">
      ${o.map(i=>u`<${Ph} key=${`${i.destination}/${i.name}`} of=${i} />`)}
    </div>
  <//>`}var Ph=({of:e})=>u`<details>
    <summary>
      <strong><${M} text=${e.name} /></strong
      ><span class="muted small"><${M} text=${e.destination} />, ${Z(e.columns.length)} columns</span>
    </summary>
    <ul class="inside columns">
      ${e.columns.map(t=>u`<li key=${t.name}>
            <${M} text=${t.name} />
            <code class="muted" title=${t.since?`since ${pt(t.since,se.value)}`:void 0}
              >${t.type}</code
            >
          </li>`)}
    </ul>
  </details>`,Ch={create_table:"table made",add_column:"column added",widen_column:"column widened"},Lu=20;function Eh({of:e}){let[t,n]=U(!1),r=e.length>Lu&&!t&&u`<button type="button" onClick=${()=>n(!0)}>Show all ${Z(e.length)}</button>`;return u`<${de} title="Changes" tools=${r} flush>
    ${e.length===0?u`<${ge}
            what="Nothing has changed yet."
            next="Each new table, column and type is written down here."
          />`:u`<${mn} label="Changes" head=${[["When"],["Warehouse"],["Table"],["Change"],["Column"],["Type"]]}
            >${e.slice(0,t?e.length:Lu).map((i,a)=>u`<tr key=${a}>
                  <td class="tight">
                    <time datetime=${i.at} title=${pt(i.at,se.value)}>${Tt(i.at,Ue.value)}</time>
                  </td>
                  <td><${M} text=${i.destination} /></td>
                  <td><${M} text=${i.table} /></td>
                  <td>
                    ${Ch[i.change]??u`<span class="chip bad">${i.change.replaceAll("_"," ")}</span>`}
                    ${i.reason&&u`<span class="small"><${M} text=${i.reason} /></span>`}
                  </td>
                  <td><${M} text=${i.column} /></td>
                  <td class="tight">
                    ${i.from&&u`<code>${i.from}</code> → `}${i.to&&u`<code>${i.to}</code>`}
                  </td>
                </tr>`)}<//
          >`}
  <//>`}var Rh=15e3,Mh=500,ta=50;function Fu(){let e=ee(st("sessions",{limit:Mh}),Rh),[t,n]=U(""),o=It.value.detail,r=u`<input
    type="search"
    aria-label="Filter the list"
    placeholder="Visitor, page, channel, country"
    value=${t}
    onInput=${i=>n(i.target.value)}
  />`;return u`<${Cn} title="Sessions" isFiltered />
    <${Se} of=${e}>
      ${({rows:i,totals:a})=>{let c=i.filter(d=>Dh(d,t));return u`<div class="stack">
            <${_t}
              of=${[{name:"Sessions",value:Z(a.sessions??i.length)},{name:"Visitors",value:Z(a.visitors??0)},{name:"Bounce rate",value:qt(a.bounce_rate??0)},{name:"Duration",value:Ne((a.avg_duration_s??0)*1e3)}]}
            />
            <${de} title="Newest sessions" tools=${r} flush>
              ${c.length===0?u`<${ge}
                      what=${i.length?"No session passes the filter.":"No session in this time."}
                      next=${i.length?"":u`A page view of a browser begins one. <a href="#/sources">Install the tracker</a>`}
                    />`:u`<${mn} label="Sessions" head=${Ah}
                      >${c.slice(0,ta).map(d=>u`<${Oh} key=${d.id} of=${d} />`)}<//
                    >`}
              ${c.length>ta&&u`<p class="muted small pad">${Z(c.length-ta)} older ones; choose a shorter period or a filter.</p>`}
            <//>
          </div>
          ${o&&u`<${Fh} id=${o} sessions=${i.filter(d=>d.visitor===o)} />`}`}}
    <//>`}var Ah=[["Visitor"],["Began"],["Way"],["Views",!0],["Duration",!0],["From"],["Place"],["With"]],Dh=(e,t)=>!t||[e.visitor,e.entry,e.exit,e.channel,e.source,e.country,Tn(e.country),e.city,e.browser].some(n=>n.toLowerCase().includes(t.toLowerCase())),Lh=()=>Pt("sessions","",{period:an().key}),Oh=({of:e})=>u`<tr class="pick">
    <td class="tight">
      <a href=${Pt("sessions",e.visitor,{period:an().key})} title=${e.visitor}
        ><${M} text=${e.visitor.length>14?`${e.visitor.slice(0,13)}…`:e.visitor}
      /></a>
    </td>
    <td class="tight">
      <time datetime=${e.start} title=${pt(e.start,se.value)}>${Tt(e.start,Ue.value)}</time>
    </td>
    <td class="way"><${Nu} of=${e} /></td>
    <td class="num">${Z(e.pageviews)}</td>
    <td class="num">${Ne(e.duration_s*1e3)}</td>
    <td class="tight"><${M} text=${e.channel} /></td>
    <td class="tight">${Tn(e.country)}</td>
    <td class="tight"><${M} text=${[e.browser,e.os].filter(Boolean).join(", ")} /></td>
  </tr>`,Nu=({of:e})=>u`<${M}
      text=${e.entry}
    />${e.exit!==e.entry&&u` <span class="muted" aria-label="to">→</span> <${M} text=${e.exit} />`}
    ${e.conversions>0&&u` <span class="chip good">${Z(e.conversions)} ${e.conversions===1?"order":"orders"}</span>`}`;function Fh({id:e,sessions:t}){let n=o=>t.reduce((r,i)=>r+i[o],0);return u`<${ni}
    title=${u`Visitor <code><${M} text=${e} /></code>`}
    close=${()=>location.hash=Lh()}
  >
    <${_t}
      compact
      of=${[{name:"Sessions",value:Z(t.length)},{name:"Views",value:Z(n("pageviews"))},{name:"Interactions",value:Z(n("interactions"))},{name:"Orders",value:Z(n("conversions"))}]}
    />
    ${t.length===0&&u`<${ge} what="Not among the newest sessions of this period." next="Choose another period." />`}
    <ol class="path">
      ${t.map(o=>u`<${Nh} key=${o.id} of=${o} />`)}
    </ol>
    <p class="small muted">To erase a visitor, run <code>opentrack forget --user ID</code> on the router's machine.</p>
  <//>`}var Nh=({of:e})=>u`<li class=${e.conversions>0?"good":""}>
    <div class="line">
      <strong>${pt(e.start,se.value)}</strong
      ><span class="muted">${Ne(e.duration_s*1e3)}, looked at for ${Ne(e.engaged_ms)}</span>
    </div>
    <p><${Nu} of=${e} /></p>
    <p class="small muted">
      ${Z(e.pageviews)} views, ${Z(e.interactions)}${" "}
      interactions${e.is_bounce?", bounced":e.is_engaged?", engaged":""} ·${" "}
      <${M} text=${[e.channel,e.source,e.campaign].filter(Boolean).join(" / ")} />${" "}
      · ${Tn(e.country)} · <${M} text=${[e.device,e.browser,e.os].filter(Boolean).join(", ")} />
    </p>
  </li>`;function zu(e,t){return[{key:"browser",title:"Browser",about:"Into the head of every page. Views, clicks, errors and web vitals come by themselves.",text:`<script async src="${e}/tracker.js" data-write-key="${t}"><\/script>`},{key:"segment",title:"Segment, browser",about:"The library @segment/analytics-next as it is, with other addresses.",text:`import { AnalyticsBrowser } from '@segment/analytics-next'

export const analytics = AnalyticsBrowser.load({
  writeKey: '${t}',
  cdnURL: '${e}',
})
analytics.page()`},{key:"node",title:"Node.js",about:"The library @segment/analytics-node as it is, with another host.",text:`import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: '${t}', host: '${e}' })
analytics.track({ userId: 'u1', event: 'Signed Up', properties: { plan: 'pro' } })`},{key:"python",title:"Python",about:"The library segment-analytics-python as it is, with another host.",text:`import segment.analytics as analytics

analytics.write_key = '${t}'
analytics.host = '${e}'
analytics.track('u1', 'Signed Up', {'plan': 'pro'})
analytics.flush()`},{key:"curl",title:"curl",about:'One event, from a terminal. The answer {"success":true} means that it is stored.',text:`curl -u '${t}:' ${e}/v1/track \\
  -H 'content-type: application/json' \\
  -d '{"userId":"u1","event":"Signed Up"}'`}]}var zh=2e3,Ih=["accepted","rejected"];function Iu({source:e}){let[t,n]=U(0);return u`<div class="bar">
    <button type="button" class="main-action" onClick=${()=>n(Date.now())}>
      ${t?"Check again":"Check the installation"}
    </button>
    ${t>0?u`<${jh} key=${t} source=${e} since=${t} />`:u`<span class="small muted">Waits for the next event of this source.</span>`}
  </div>`}function jh({source:e,since:t}){let[n,o]=U(),r=n!==void 0;Mo(r?null:"/api/live",Ih,(d,h)=>{let m=h;m.source===e&&o({at:m.at,name:m.name??m.kind??"",rejected:d==="rejected"?m.reason??"rejected":null})});let a=ee(r?null:We("/api/sources",{}),zh).data?.sources.find(({name:d})=>d===e)?.last_event_at,c=n??(a&&new Date(a).getTime()>=t?{at:a,name:"",rejected:null}:void 0);return c?c.rejected?u`<span class="bad" role="status"
      >An event came and was rejected: <${M} text=${c.rejected} />. See below.</span
    >`:u`<span class="good" role="status"
    ><strong>It works.</strong> ${c.name&&u`“<${M} text=${c.name} />” `}arrived at${" "}
      ${Pn(c.at,se.value)}.</span
  >`:u`<span role="status"
      >Waiting for ${Ne(Math.max(0,Ue.value-t))}. Open a page with the snippet, or send an event.</span
    >`}var ju=5e3;function Vu(){let e=ee("/api/sources",ju),t=It.value.detail,n=e.data?.sources??[],o=n.filter(({name:r})=>!t||r===t);return u`<div class="top">
      <h1>Sources</h1>
      ${t&&u`<a class="button" href="#/sources">All sources</a>`}
    </div>
    <div class="stack">
      ${e.trouble&&e.trouble.status!==404&&u`<${zt} trouble=${e.trouble} />`}
      ${e.data&&n.length===0&&u`<${Vh} />`}
      <div class="grid">${o.map(r=>u`<${Hh} key=${r.name} of=${r} />`)}</div>
      <${Uh} source=${o.length===1?o[0]:void 0} />
      <${Gh} source=${t} />
    </div>`}var Vh=()=>u`<div class="notice warn">
    <div>
      <strong>Any key, or none, is accepted.</strong> That is for development. Add a table${" "}
      <code>[sources.web]</code> with <code>write_keys</code> to the configuration before anybody else can reach this
      router.
    </div>
  </div>`,Hh=({of:e})=>u`<section class="panel source-card" aria-label=${e.name}>
    <header>
      <h3><${M} text=${e.name} /></h3>
      <span class="muted small">${Z(e.events_total)} events</span>
    </header>
    <div class="body">
      <p>
        ${e.last_event_at?u`Last event${" "}
              <time datetime=${e.last_event_at} title=${pt(e.last_event_at,se.value)}
                  >${Tt(e.last_event_at,Ue.value)}</time
                >.`:u`<strong>Nothing has come yet.</strong> Paste a snippet from below, then check.`}
      </p>
      <p class="reasons">
        Keys ${e.write_keys.map(t=>u`<code key=${t}><${M} text=${t} /></code>`)}
      </p>
      <p class="reasons">
        Origins${" "}
        ${e.origins.length===0?"any":e.origins.map(t=>u`<code key=${t}><${M} text=${t} /></code>`)}
      </p>
      ${e.last_error?u`<p class="small bad">Last refused: <${M} text=${Wh(e.last_error)} /></p>`:null}
      <${Iu} source=${e.name} />
    </div>
  </section>`;function Wh(e){if(typeof e=="string")return e;let{code:t,message:n}=e;return[t,n].filter(Boolean).join(": ")}function Uh({source:e}){let t=zu(location.origin,e?`KEY_OF_${e.name.toUpperCase().replace(/[^A-Z0-9]/g,"_")}`:"YOUR_WRITE_KEY"),[n,o]=U(t[0].key),r=t.find(({key:i})=>i===n);return u`<${de}
    title="Send events"
    tools=${u`<${ft} tabs label="Send events from" of=${t.map(({key:i,title:a})=>[i,a])} value=${n} choose=${o} />`}
  >
    <div class="copy">
      <div class="bar">
        <p class="muted">${r.about}</p>
        <${Bh} text=${r.text} />
      </div>
      <pre class="code" tabindex="0"><code>${r.text}</code></pre>
      <p class="small muted">
        Keys are shown only in part here: the whole one is in the configuration, or in the environment variable that it
        names.
      </p>
    </div>
  <//>`}function Bh({text:e}){let[t,n]=U(""),o=()=>navigator.clipboard?navigator.clipboard.writeText(e).then(()=>n(e),()=>n("")):void 0;return navigator.clipboard?u`<button type="button" onClick=${o}>
        <span role="status">${t===e?"Copied":"Copy"}</span>
      </button>`:null}function Gh({source:e}){let t=ee("/api/rejected?limit=100",ju);return u`<${de} title="Rejected events" flush>
    <${Se} of=${t}>
      ${({rejected:n})=>{let o=n.filter(r=>!e||r.source===e);return o.length===0?u`<${ge}
            what="No event was rejected."
            next="An event that breaks a rule of Segment's API is set aside with the reason, and shows up here."
          />`:u`<div class="list">${o.map((r,i)=>u`<${Kh} key=${i} of=${r} />`)}</div>`}}
    <//>
  <//>`}var Kh=({of:e})=>u`<details>
    <summary>
      <span class="chip bad">${e.code}</span><span><${M} text=${e.message} /></span>
      <span class="muted small"
        ><${M} text=${e.source} />,${" "}
        <time datetime=${e.at} title=${pt(e.at,se.value)}>${Tt(e.at,Ue.value)}</time></span
      >
    </summary>
    <div class="inside stack">
      <p class="small muted">
        ${e.path&&u`at <code><${M} text=${e.path} /></code>, `}id${" "}
        <code><${M} text=${e.message_id} empty="none" /></code>
      </p>
      <${fr} value=${e.event} />
    </div>
  </details>`;var qh={live:"M2 8h3l2-5 3 10 2-5h2",destinations:"M2 8h4m0 0 5-5h3M6 8l5 5h3M6 8h8",overview:"M2 13V9m4 4V3m4 10V7m4 6V5",commerce:"M2 3h2l1.5 7h7L14 5H4.5M6 13.5h.01M12 13.5h.01",performance:"M2.5 12a6 6 0 1 1 11 0M8 10l3-4",sessions:"M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM3 14c0-3 2-4.5 5-4.5s5 1.5 5 4.5",sources:"M6 4 2 8l4 4M10 4l4 4-4 4",schema:"M2.5 3h11v10h-11ZM2.5 6.5h11M6.5 6.5V13",health:"M8 13.5C3.5 10.5 2 8.5 2 6a3 3 0 0 1 6-.8A3 3 0 0 1 14 6c0 2.5-1.5 4.5-6 7.5Z",brand:"M2 8h4l6-5M6 8l6 5M6 8h7"},ki=({name:e,size:t=16})=>u`<svg
    width=${t}
    height=${t}
    viewBox="0 0 16 16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.6"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d=${qh[e]} />
  </svg>`;var Si={live:{title:"Live",show:Tu},destinations:{title:"Destinations",show:Hl},overview:{title:"Overview",show:Pu},commerce:{title:"Commerce",show:El},performance:{title:"Performance",show:Au},sessions:{title:"Sessions",show:Fu},sources:{title:"Sources",show:Vu},schema:{title:"Schema",show:Ou},health:{title:"Health",show:Bl}},Yh=[["Now",["live","destinations"]],["Reports",["overview","commerce","performance","sessions"]],["Set-up",["sources","schema","health"]]],Jh=5e3;function Wu(){let[e,t]=U();return nt(()=>{let n,o=()=>rr().then(()=>t(void 0),r=>{t(r),n=setTimeout(o,3e3)});return o(),()=>clearTimeout(n)},[]),e?u`<main class="login"><${zt} trouble=${e} /></main>`:St.value?St.value.authenticated||St.value.open?u`<${Zh} />`:u`<${ng} />`:u`<main class="login"><p class="waiting" role="status">Loading…</p></main>`}function Zh(){let{page:e}=It.value,t=Si[e]??Si.live;nt(()=>{document.title=`${t.title} · OpenTrack`,scrollTo(0,0)},[t]);let n=ee("/ready",Jh);return u`<div class="frame">
    <a class="skip" href="#content" onClick=${Qh}>Go to the content</a>
    <header class="side">
      <div class="brand"><${ki} name="brand" size=${22} /><span>OpenTrack</span></div>
      <nav aria-label="Pages">
        ${Yh.map(([o,r])=>u`<h2>${o}</h2>
              <ul>
                ${r.map(i=>u`<li key=${i}><${eg} name=${i} isHere=${Si[i]===t} ready=${n.data} /></li>`)}
              </ul>`)}
      </nav>
      <div class="foot"><${Hu} place="side" /></div>
    </header>
    <main class="main" id="content" tabindex="-1">
      ${n.trouble&&u`<div class="above"><${zt} trouble=${n.trouble} /></div>`}
      ${u`<${t.show} key=${e} />`}
      <div class="narrow-foot"><${Hu} place="foot" /></div>
    </main>
  </div>`}function Qh(e){e.preventDefault(),document.getElementById("content")?.focus()}var Xh={destinations:sr,health:e=>!sr(e)};function eg({name:e,isHere:t,ready:n}){let o=Xh[e],r=o?(n?.checks??[]).filter(i=>!i.ok&&o(i)).length:0;return u`<a href=${Pt(e)} aria-current=${t?"page":void 0}>
    <${ki} name=${e} />${Si[e].title}
    ${r>0&&u`<span class=${n?.status==="not_ready"?"mark":"mark warn"} title=${`${r} not fine`}
        ><span class="hidden">, ${r} not fine</span></span
      >`}
  </a>`}var tg=[["auto","Auto"],["light","Light"],["dark","Dark"]];function Hu({place:e}){let t=n=>se.value=n.target.value;return u`<label class="field" for=${`zone-${e}`}
      ><span>Time zone</span>
      <select id=${`zone-${e}`} value=${se.value} onChange=${t}>
        ${$l().map(n=>u`<option key=${n} value=${n}>${n.replaceAll("_"," ")}</option>`)}
      </select></label
    >
    <div>
      <${ft} label="Looks" of=${tg} value=${ar.value} choose=${n=>ar.value=n} />
    </div>
    ${!St.value?.open&&u`<button type="button" onClick=${()=>{ml().catch(()=>{})}}>Log out</button>`}`}function ng(){let e=St.value?.password??!1,[t,n]=U(e?"password":"token"),[o,r]=U(),i=async a=>{a.preventDefault();let c=String(new FormData(a.currentTarget).get("secret")??"").trim();try{await fl(t==="password"?{password:c}:{token:c})}catch(d){d instanceof it&&r(d.status===401?new it(-1,"",rg[t]):d)}};return u`<main class="login">
    <div class="panel">
      <div class="brand">
        <${ki} name="brand" size=${22} />
        <h1>OpenTrack</h1>
      </div>
      ${e&&u`<${ft} label="Log in with" of=${og} value=${t} choose=${n} />`}
      <form onSubmit=${i}>
        <label class="field"
          ><span>${t==="password"?"Password":"Token"}</span>
          <input
            name="secret"
            type="password"
            required
            autocomplete=${t==="password"?"current-password":"off"}
            key=${t}
          />
        </label>
        <${zt} trouble=${o} />
        <button class="main-action">Log in</button>
      </form>
      <p class="muted small">
        ${t==="password"?u`The password is <code>[console] password</code> of the configuration.`:u`Make a token with <code>opentrack token --scope "admin" --ttl 12h</code>.`}
      </p>
    </div>
  </main>`}var og=[["password","Password"],["token","Token"]],rg={password:"This is not the password.",token:"This token is not valid, or has ended."};var Uu=document.getElementById("app");Uu.replaceChildren();Wa(u`<${Wu} />`,Uu);
