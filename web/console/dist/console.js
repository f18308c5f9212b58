var me,Dl,Jr,xn,qr,Li,Ll,Ai,Ol,Zr,Yr,$d,Zo=Symbol.for("pv"),Oi={},Fi=[],bd=/^m(i|n|o|s|text|space)$/,Qr=Array.isArray,Xr=Fi.slice,Hn=Object.assign;function Vn(e){e&&e.parentNode&&e.remove()}function Ni(e,t,n){var o,i,r,l={},c=arguments.length;for(r in t)r=="key"?o=t[r]:r=="ref"&&typeof e!="function"?i=t[r]:l[r]=t[r];return c>2&&(l.children=c>3?Xr.call(arguments,2):n),Jo(e,l,o,i,null)}function Jo(e,t,n,o,i){var r={type:e,props:t,key:n,ref:o,__k:null,__:null,__b:0,__e:null,__c:null,constructor:Zo,__v:i||++Dl,__i:-1,__u:0};return!i&&me.vnode&&me.vnode(r),r}function Wn(e){return e.children}function kn(e,t){this.props=e,this.context=t,this.__g=0}function Sn(e,t){if(t==null)return e.__&&Sn(e.__,e.__i+1);for(var n;t<e.__k.length;t++)if((n=e.__k[t])&&n.__e)return n.__e;return typeof e.type!="function"||e.props.__P?null:Sn(e)}function yd(e){var t,n=e.__v,o=n.__e,i=[],r=[],l=e.__P;l&&((t=Hn({constructor:Zo},n)).__v=n.__v+1,me.vnode&&me.vnode(t),es(l,t,n,e.__n,l.namespaceURI,32&n.__u?[o]:null,i,o||Sn(n),32&n.__u,r),t.__v=n.__v,t.__.__k[t.__i]=t,Vl(i,t,r),n.__=n.__e=null,t.__e!=o&&Fl(t))}function Fl(e){if((e=e.__)&&e.__c&&!e.props.__P)return e.__e=null,e.__k.some(function(t){return t&&(e.__e=t.__e)}),Fl(e)}function Rl(e){(8&e.__g||(e.__g|=8,xn.push(e),Li++))&&qr==me.debounceRendering||((qr=me.debounceRendering)||queueMicrotask)(Nl)}function Nl(){try{for(var e,t=1;xn.length;)xn.length>t&&xn.sort(Ll),e=xn.shift(),t=xn.length,8&e.__g&&yd(e)}finally{(Li=xn.length)&&(qr||queueMicrotask)(Nl)}}function zl(e,t,n,o,i,r,l,c,d,h,m){var _,$,g,x,E,P,A=o.__k||Fi,y=t.length;for(d=wd(n,t,A,d,y),_=0;_<y;_++)(g=n.__k[_])!=null&&($=~g.__i&&A[g.__i]||Oi,g.__i=_,P=es(e,g,$,i,r,l,c,d,h,m),x=g.__e,($.ref!=g.ref||8&$.__u)&&($.ref&&ts($.ref,null,g,$),g.ref&&m.push(g.ref,g.__c||x,g)),E=E||x,4&g.__u?(d=Il(g,d,e,!$.__v),$.__e&&($.__e=null)):typeof g.type=="function"&&P!==void 0?d=P:x&&(d=x.nextSibling),g.__u&=-21);return n.__e=E,d}function wd(e,t,n,o,i){var r,l,c,d,h,m,_,$,g,x=n.length,E=x,P=0,A=0,y=e.__k=Array(i);for(r=0;r<i;r++)(l=t[r])!=null&&typeof l!="boolean"&&typeof l!="function"?(typeof l!="object"||l.constructor===String?l=y[r]=Jo(null,l):Qr(l)?l=y[r]=Jo(Wn,{children:l}):l.constructor===Zo&&l.__b?l=y[r]=Jo(l.type,l.props,l.key,l.ref,l.__v):y[r]=l,d=r+P,l.__=e,l.__b=e.__b+1,c=null,~(h=l.__i=xd(l,n,d,E))&&(E--,(c=n[h])&&(c.__u|=2)),c&&c.__v?(l.__u|=16,h==d-1?P--:h==d+1?P++:h!=d&&(h>d?P--:P++,A=1)):(~h||(i>x?P--:i<x&&P++),typeof l.type!="function"&&(l.__u|=4))):y[r]=null;if(A){for(m=[],_=[],r=0;r<i;r++)if((l=y[r])&&16&l.__u){for(P=0,$=m.length;P<$;)m[g=P+$>>1]<l.__i?P=g+1:$=g;m[P]=l.__i,_[r]=P+1}for(P=m.length;r--;)_[r]&&(_[r]==P?P--:y[r].__u|=4)}if(E)for(r=0;r<x;r++)!(c=n[r])||2&c.__u||(c.__e==o&&(o=Sn(c)),ns(c,c));return o}function Il(e,t,n,o){var i,r,l,c;if(typeof e.type=="function"){if(e.props.__P)return t;if(i=e.__k)for(r=0;r<i.length;r++)i[r]&&(i[r].__=e,t=Il(i[r],t,n,!1));return t}for(t&&!t.parentNode&&(t=Sn(e))&&!t.parentNode&&(t=null),l=e.__e,c=t;c&&c.nodeType==8;)c=c.nextSibling;for(l!=c&&(!o&&n.moveBefore&&l.parentNode?n.moveBefore(l,t):n.insertBefore(l,t||null)),t=l;(t=t&&t.nextSibling)&&t.nodeType==8&&!t.data.startsWith("$s"););return t}function xd(e,t,n,o){var i,r=e.key,l=e.type,c=t[n],d=c&&!(2&c.__u);if(c===null&&r==null||d&&r==c.key&&l==c.type)return n;if(o>(d?1:0)){for(i=n-1;i>=0;i--)if((c=t[i])&&!(2&c.__u)&&r==c.key&&l==c.type)return i;for(i=n+1;i<t.length;i++)if((c=t[i])&&!(2&c.__u)&&r==c.key&&l==c.type)return i}return-1}function Al(e,t,n){n==null&&(n=""),t[0]=="-"?e.setProperty(t,n):e[t]=n}function Ri(e,t,n,o,i){var r,l;if(t=="style")if(typeof n=="string")e.style.cssText=n;else{if(typeof o=="string"&&(e.style.cssText=o=""),o)for(t in o)n&&t in n||Al(e.style,t);if(n)for(t in n)o&&n[t]==o[t]||Al(e.style,t,n[t])}else if(t[0]=="o"&&t[1]=="n")typeof n!="function"&&(n=null),typeof o!="function"&&(o=null),(e.__e||(e.__e={}))[t]=n,n&&o||(l=Yr[t]||(Yr[t]=kd(t)),(e.__a||(e.__a={}))[t]=Zr,r=t!=(t=t.replace(Ol,"$1")),(t=t.slice(2))[0]<"a"&&(t=t.toLowerCase()),n?e.addEventListener(t,l,r):e.removeEventListener(t,l,r));else{if(i=="http://www.w3.org/2000/svg")t=t.replace(/xlink(H|:h)/,"h").replace(/sName$/,"s");else if(t!="width"&&t!="height"&&t!="href"&&t!="list"&&t!="form"&&t!="tabIndex"&&t!="download"&&t!="rowSpan"&&t!="colSpan"&&t!="role"&&t!="popover"&&t in e)try{return void(e[t]=n??"")}catch{}if(typeof n=="function")return;n==null||n===!1&&t[4]!="-"?e.removeAttribute(t):e.setAttribute(t,t=="popover"&&n==1?"":n)}}function kd(e){return function(t){var n=this.__e;if(n){if(n=n[e],t[Ai]==null)t[Ai]=Zr++;else if(t[Ai]<this.__a[e])return;return n(me.event?me.event(t):t)}}}function es(e,t,n,o,i,r,l,c,d,h){var m,_,$,g,x,E,P,A,y,R,k,q,N,Q,U,te,W,C,B=t.type;if(t.constructor!==Zo)return null;128&n.__u&&(d=32&n.__u,m=n.__c.__z)&&(t.__u|=d,_=r=[],m.nodeType==8?c=Di(m,r):r.push(m),c=r[0]||c),(m=me.__b)&&m(t);e:if(typeof B=="function"){$=l.length;try{if(A=t.props,y=(m=B.prototype)&&m.render,R=(m=B.contextType)&&o[m.__c],k=m?R?R.props.value:m.__:o,(g=n.__c)?(t.__c=g,2&g.__g&&(g.__g|=1)):(y?t.__c=g=new B(A,k):(t.__c=g=new kn(A,k),g.constructor=B,g.render=Td),R&&R.sub(g),g.state||(g.state={}),g.__n=o,g.__g|=8,g.__h=[],g.__k=[]),y&&(g.__s||(g.__s=g.state),B.getDerivedStateFromProps&&(g.__s==g.state&&(g.__s=Hn({},g.__s)),Hn(g.__s,B.getDerivedStateFromProps(A,g.__s)))),x=g.props,E=g.state,g.__v=t,n.__c){if(A!==x&&y&&!B.getDerivedStateFromProps&&g.componentWillReceiveProps&&g.componentWillReceiveProps(A,k),t.__v==n.__v&&!(8&g.__g)||!(4&g.__g)&&g.shouldComponentUpdate&&g.shouldComponentUpdate(A,g.__s,k)===!1){t.__v!=n.__v&&(g.props=A,g.state=g.__s,g.__g&=-9),t.__e=n.__e,t.__k=n.__k,t.__k.some(function(L){L&&(L.__=t)}),Fi.push.apply(g.__h,g.__k),g.__k=[],g.__h.length&&l.push(g),c=Sn(n);break e}g.componentWillUpdate&&g.componentWillUpdate(A,g.__s,k),y&&g.componentDidUpdate&&g.__h.push(function(){g.componentDidUpdate(x,E,P)})}else y&&!B.getDerivedStateFromProps&&g.componentWillMount&&g.componentWillMount(),y&&g.componentDidMount&&g.__h.push(g.componentDidMount);g.context=k,g.props=A,g.__P=e,g.__g&=-5,q=me.__r,N=y?25:0;do g.__g&=-9,q&&q(t),m=g.render(g.props,g.state=g.__s,g.context);while(8&g.__g&&++N<25);y&&(Fi.push.apply(g.__h,g.__k),g.__k=[]),g.state=g.__s,g.getChildContext&&(o=Hn({},o,g.getChildContext())),y&&n.__c&&g.getSnapshotBeforeUpdate&&(P=g.getSnapshotBeforeUpdate(x,E)),Q=m&&m.type===Wn&&m.key==null?m.props.children:m,A.__P&&(m=c,i=(e=A.__P).namespaceURI,d=r=null,n.props&&n.props.__P!=e&&(n.__k.some(function(L){L&&ns(L,L)}),n.__k=null),c=n.__k?Sn(n,0):null),c=zl(e,Qr(Q)?Q:[Q],t,n,o,i,r,l,c,d,h),A.__P&&(t.__e=null,c=m),t.__u&=-161,_&&_.some(Vn),g.__h.length&&l.push(g),1&g.__g&&(g.__g&=-4)}catch(L){if(l.length=$,t.__v=null,d||r)if(L&&L.then){if(t.__u|=128|d,r){for(~(W=r.indexOf(c||void 0))||(W=r.length);(C=r[W-1])&&C.nodeType==8;)W--;for(;W<r.length;W++)if(C=r[W])if(r[W]=null,U){if(C==te)break}else{if(C.nodeType!=8)break;C.data.startsWith("$s")&&(te=Di(U=C))}}if(!U){for(;c&&c.nodeType==8&&c.nextSibling;)c=c.nextSibling;U=c}(m=Di(U=t.__c.__z||(t.__c.__z=U)))?(t.__e=U,c=m):t.__e=c,c=c&&c.nextSibling}else r&&r.some(Vn);else t.__e=n.__e;t.__k||(t.__k=n.__k||[]),L&&L.then||jl(t),me.__e(L,t,n)}}else c=t.__e=Sd(n.__e,t,n,o,i,r,l,d,h,e);return(m=me.diffed)&&m(t),c}function Di(e,t){if(e&&e.nodeType==8&&e.data.startsWith("$s"))for(var n=1;e=e.nextSibling;){if(e.nodeType==8){if(e.data.startsWith("$s"))n++;else if(e.data.startsWith("/$s")&&!--n)return e}t&&t.push(e)}}function jl(e){e&&(e.__c&&(e.__c.__g|=4),e.__k&&e.__k.some(jl))}function Vl(e,t,n){for(var o=0;o<n.length;)ts(n[o++],n[o++],n[o++]);me.__c&&me.__c(t,e),e.some(function(i){try{e=i.__h,i.__h=[],e.some(function(r){r.call(i)})}catch(r){me.__e(r,i.__v)}})}function Sd(e,t,n,o,i,r,l,c,d,h){var m,_,$,g,x,E,P,A,y=n.props||Oi,R=t.props,k=t.type;if(k=="svg"?i="http://www.w3.org/2000/svg":k=="math"?i="http://www.w3.org/1998/Math/MathML":i||(i="http://www.w3.org/1999/xhtml"),r){for(m=0;m<r.length;m++)if((x=r[m])&&(k?x.localName==k:x.nodeType==3)){e=x,r[m]=null;break}}if(!e){if(A=h.ownerDocument||document,!k)return A.createTextNode(R);e=A.createElementNS(i,k,R.is?R:h),c&&(me.__m&&me.__m(t,r),c=!1),r=null}if(k){if(h=k=="template"&&e.content||e,r=k=="textarea"&&R.defaultValue!=null?null:r&&Xr.call(h.childNodes),!c&&r)for(y={},m=0;m<e.attributes.length;m++)y[(x=e.attributes[m]).name]=x.value;for(m in y)x=y[m],m=="dangerouslySetInnerHTML"?$=x:m=="children"||m in R||m=="value"&&"defaultValue"in R||m=="checked"&&"defaultChecked"in R||Ri(e,m,null,x,i);for(m in R)x=R[m],m=="children"?g=x:m=="dangerouslySetInnerHTML"?_=x:m=="value"?E=x:m=="checked"?P=x:c&&typeof x!="function"||y[m]===x||Ri(e,m,x,y[m],i);_?(c||$&&(_.__html==$.__html||_.__html==e.innerHTML)||(e.innerHTML=_.__html),t.__k=[]):($&&(e.textContent=""),(k=="foreignObject"||i=="http://www.w3.org/1998/Math/MathML"&&bd.test(k))&&(i="http://www.w3.org/1999/xhtml"),zl(h,Qr(g)?g:[g],t,n,o,i,r,l,r?r[0]:n.__k&&Sn(n,0),c,d),r&&r.some(Vn)),c&&k!="textarea"||(m="value",k=="progress"&&E==null?e.removeAttribute(m):E==null||E===e[m]&&(k!="progress"||E)||Ri(e,m,E,y[m],i),m="checked",P!=null&&P!=e[m]&&Ri(e,m,P,y[m],i))}else y===R||c&&e.data==R||(e.data=R);return e}function ts(e,t,n,o){try{typeof e=="function"?t?t.__x=e(t)||1:o&&(o=o.__c||o.__e)&&(t=o.__x)&&(o.__x=null,typeof t=="function"?t():e(null)):e.current=t}catch(i){me.__e(i,n)}}function ns(e,t,n){var o,i,r,l;if(me.unmount&&me.unmount(e),!(o=e.ref)||o.current&&o.current!=e.__e||ts(o,null,t,e),o=e.__c){if(o.componentWillUnmount)try{o.componentWillUnmount()}catch(c){me.__e(c,t)}o.__P=o.__n=null}if(o=e.__k)for(l=0;l<o.length;l++)o[l]&&ns(o[l],t,typeof e.type!="function"||n&&!e.props.__P);!n&&(o=e.__c)&&(o=o.__z)&&(i=Di(o,r=[]))&&(o==e.__e&&r.some(Vn),Vn(i),Vn(o)),n||Vn(e.__e),e.__e=e.__c=e.__=null}function Td(e,t,n){return this.constructor(e,n)}function Hl(e,t){var n,o,i,r;me.__&&me.__(e,t),t.nodeType==9&&(t=t.documentElement),o=(n=e&&32&e.__u)?null:t.__k,t.__k=Jo(Wn,{children:[e]}),i=[],r=[],es(t,t.__k,o||Oi,Oi,t.namespaceURI,o?null:t.firstChild?Xr.call(t.childNodes):null,i,o?o.__e:t.firstChild,n,r),Vl(i,t.__k,r),t.__k.props.children=null}me={__e:function(e,t,n,o){for(var i,r,l;t=t.__;)if((i=t.__c)&&!(1&i.__g)){i.__g|=4;try{if((l=(r=i.constructor)&&r.getDerivedStateFromError)&&i.setState(r.getDerivedStateFromError(e)),i.componentDidCatch&&(i.componentDidCatch(e,o||{}),l=1),l&&8&i.__g)return void(i.__g|=2)}catch(c){e=c}}throw Li=0,e}},Dl=0,Jr=function(e){return e!=null&&e.constructor===Zo},kn.prototype.setState=function(e,t){var n=this.__s;n&&n!=this.state||(n=this.__s=Hn({},this.state)),typeof e=="function"&&(e=e(Hn({},n),this.props)),e&&(Hn(n,e),this.__v&&(t&&this.__k.push(t),Rl(this)))},kn.prototype.forceUpdate=function(e){this.__v&&(this.__g|=4,e&&this.__h.push(e),Rl(this))},kn.prototype.render=Wn,xn=[],Li=0,Ll=function(e,t){return e.__v.__b-t.__v.__b},Ai=Symbol(),Ol=/(PointerCapture)$|Capture$/i,Zr=0,Yr={},$d=0;var Xo,Ve,os,Wl,is=Object.is,zi=0,Ql=[],rs=[],Fe=me,Ul=Fe.__b,Bl=Fe.__r,Gl=Fe.diffed,Kl=Fe.__c,ql=Fe.unmount,Yl=Fe.__;function ls(e,t){Fe.__h&&Fe.__h(Ve,e,zi||t),zi=0;var n=Ve.__H||(Ve.__H={__:[],__h:[]});return e>=n.__.length&&n.__.push({}),n.__[e]}function K(e){return zi=1,Pd(ea,e)}function Pd(e,t,n){var o=ls(Xo++,2);if(o.t=e,!o.__c&&(o.__=[n?n(t):ea(void 0,t),function(r){var l=(o.__N||o.__)[0],c=o.t(l,r);is(l,c)||(o.__N=[c,o.__[1]],o.__c.setState({}))}],o.__c=Ve,!Ve.__f)){Ve.__f=!0;var i=Ve.shouldComponentUpdate;Ve.shouldComponentUpdate=function(r,l,c){var d=this.__H;if(!d)return!0;var h=!1,m=this.props!=r;if(d.__.some(function($){$.__N&&(h=!0,is($.__[0],$.__N[0])||(m=!0))}),i){var _=i.call(this,r,l,c);return h?_||m:_}return!h||m}}return o.__}function nt(e,t){var n=ls(Xo++,3);!Fe.__s&&Xl(n.__H,t)&&(n.__P=!0,n.__=e,n.u=t,Ve.__H.__h.push(n))}function it(e){return zi=5,Ii(function(){return{current:e}},[])}function Ii(e,t){var n=ls(Xo++,7);return Xl(n.__H,t)&&(n.__=e(),n.__H=t),n.__}function Cd(){var e;do{for(;e=rs.shift();)try{Qo(e)}catch(n){Fe.__e(n,{__:(e=e.__P)&&e.__v})}for(;e=Ql.shift();){var t=e.__H;if(e.__P&&t)try{t.__h.some(Qo),t.__h.some(ss),t.__h=[]}catch(n){t.__h=[],Fe.__e(n,e.__v)}}}while(rs.length)}Fe.__b=function(e){Ve=null,Ul&&Ul(e)},Fe.__=function(e,t){e&&t.__k&&t.__k.__m&&(e.__m=t.__k.__m),Yl&&Yl(e,t)},Fe.__r=function(e){Bl&&Bl(e),Xo=0;var t=(Ve=e.__c).__H;t&&(os==Ve?Ve.__h=[]:(t.__h.some(Qo),t.__h.some(ss),Xo=0),t.__h=[],t.__.some(function(n){n.__N&&(n.__=n.__N),n.u=n.__N=void 0})),os=Ve},Fe.diffed=function(e){Gl&&Gl(e);var t=e.__c;t&&t.__H&&(t.__H.__h.length&&Zl(Ql.push(t)),t.__H.__.some(function(n){n.u&&(n.__H=n.u)})),os=Ve=null},Fe.__c=function(e,t){t.some(function(n){try{n.__h.some(Qo),n.__h=n.__h.filter(function(o){return!o.__||ss(o)})}catch(o){n.__h=[function(){throw o}]}}),Kl&&Kl(e,t)},Fe.unmount=function(e){ql&&ql(e);var t,n,o=e.__c;o&&o.__H&&(o.__H.__.some(function(i){try{if(i.__P&&i.__c){if(n===void 0){for(n=e.__;n&&(!n.__c||!n.__c.__P);)n=n.__;n=n&&n.__c}i.__P=n,Zl(rs.push(i))}else Qo(i)}catch(r){t=r}}),o.__H=void 0,t&&Fe.__e(t,o.__v))};var Jl=typeof requestAnimationFrame=="function";function Ed(e){var t,n=function(){clearTimeout(o),Jl&&cancelAnimationFrame(t),setTimeout(e)},o=setTimeout(n,35);Jl&&(t=requestAnimationFrame(n))}function Zl(e){e!=1&&Wl==Fe.requestAnimationFrame||((Wl=Fe.requestAnimationFrame)||Ed)(Cd)}function Qo(e){var t=Ve,n=e.__c;typeof n=="function"&&(e.__c=void 0,n()),Ve=t}function ss(e){var t=Ve;e.__c=e.__(),Ve=t}function Xl(e,t){return!e||e.length!=t.length||t.some(function(n,o){return!is(n,e[o])})}function ea(e,t){return typeof t=="function"?t(e):t}var Md=Symbol.for("preact-signals");function Wi(){if(fn>1)fn--;else{var e,t=!1;for((function(){var i=Vi;for(Vi=void 0;i!==void 0;){var r=i.S;if(r.v===i.v)for(var l=r.t;l!==void 0;l=l.x)l.i===i.i&&(l.i=r.i);i=i.o}})();ti!==void 0;){var n=ti;for(ti=void 0,ji++;n!==void 0;){var o=n.u;if(n.u=void 0,n.f&=-3,!(8&n.f)&&na(n))try{n.c()}catch(i){t||(e=i,t=!0)}n=o}}if(ji=0,fn--,t)throw e}}function cs(e){if(fn>0)return e();as=++Rd,fn++;try{return e()}finally{Wi()}}var ei,Me=void 0;function ni(e){var t=Me,n=ei;Me=void 0,ei=void 0;try{return e()}finally{Me=t,ei=n}}var ti=void 0,fn=0,ji=0,Rd=0,as=0,Vi=void 0,Hi=0;function ta(e){if(Me!==void 0){var t=e.n;if(t===void 0||t.t!==Me)return t={i:0,S:e,p:Me.s,n:void 0,t:Me,e:void 0,x:void 0,r:t},Me.s!==void 0&&(Me.s.n=t),Me.s=t,e.n=t,32&Me.f&&e.S(t),t;if(t.i===-1)return t.i=0,t.n!==void 0&&(t.n.p=t.p,t.p!==void 0&&(t.p.n=t.n),t.p=Me.s,t.n=void 0,Me.s.n=t,Me.s=t),t}}function He(e,t){this.v=e,this.i=0,this.n=void 0,this.t=void 0,this.l=0,this.W=t?.watched,this.Z=t?.unwatched,this.name=t?.name}He.prototype.brand=Md;He.prototype.h=function(){return!0};He.prototype.S=function(e){var t=this,n=this.t;n!==e&&e.e===void 0&&(e.x=n,this.t=e,n!==void 0?n.e=e:ni(function(){var o;(o=t.W)==null||o.call(t)}))};He.prototype.U=function(e){var t=this;if(this.t!==void 0){var n=e.e,o=e.x;n!==void 0&&(n.x=o,e.e=void 0),o!==void 0&&(o.e=n,e.x=void 0),e===this.t&&(this.t=o,o===void 0&&ni(function(){var i;(i=t.Z)==null||i.call(t)}))}};He.prototype.subscribe=function(e){var t=this;return sn(function(){var n=t.value;ni(function(){return e(n)})},{name:"sub"})};He.prototype.valueOf=function(){return this.value};He.prototype.toString=function(){return this.value+""};He.prototype.toJSON=function(){return this.value};He.prototype.peek=function(){var e=this;return ni(function(){return e.value})};Object.defineProperty(He.prototype,"value",{get:function(){var e=ta(this);return e!==void 0&&(e.i=this.i),this.v},set:function(e){if(e!==this.v){if(ji>100)throw new Error("Cycle detected");(function(n){fn!==0&&ji===0&&n.l!==as&&(n.l=as,Vi={S:n,v:n.v,i:n.i,o:Vi})})(this),this.v=e,this.i++,Hi++,fn++;try{for(var t=this.t;t!==void 0;t=t.x)t.t.N()}finally{Wi()}}}});function kt(e,t){return new He(e,t)}function na(e){for(var t=e.s;t!==void 0;t=t.n)if(t.S.i!==t.i||!t.S.h()||t.S.i!==t.i)return!0;return!1}function oa(e){for(var t=e.s;t!==void 0;t=t.n){var n=t.S.n;if(n!==void 0&&(t.r=n),t.S.n=t,t.i=-1,t.n===void 0){e.s=t;break}}}function ia(e){for(var t=e.s,n=void 0;t!==void 0;){var o=t.p;t.i===-1?(t.S.U(t),o!==void 0&&(o.n=t.n),t.n!==void 0&&(t.n.p=o)):n=t,t.S.n=t.r,t.r!==void 0&&(t.r=void 0),t=o}e.s=n}function Un(e,t){He.call(this,void 0,t),this.x=e,this.s=void 0,this.g=Hi-1,this.f=4}Un.prototype=new He;Un.prototype.h=function(){if(this.f&=-3,1&this.f)return!1;if((36&this.f)==32||(this.f&=-5,this.g===Hi))return!0;if(this.g=Hi,this.f|=1,this.i>0&&!na(this))return this.f&=-2,!0;var e=Me;try{oa(this),Me=this;var t=this.x();(16&this.f||this.v!==t||this.i===0)&&(this.v=t,this.f&=-17,this.i++)}catch(n){this.v=n,this.f|=16,this.i++}return Me=e,ia(this),this.f&=-2,!0};Un.prototype.S=function(e){if(this.t===void 0){this.f|=36;for(var t=this.s;t!==void 0;t=t.n)t.S.S(t)}He.prototype.S.call(this,e)};Un.prototype.U=function(e){if(this.t!==void 0&&(He.prototype.U.call(this,e),this.t===void 0)){this.f&=-33;for(var t=this.s;t!==void 0;t=t.n)t.S.U(t)}};Un.prototype.N=function(){if(!(2&this.f)){this.f|=6;for(var e=this.t;e!==void 0;e=e.x)e.t.N()}};Object.defineProperty(Un.prototype,"value",{get:function(){if(1&this.f)throw new Error("Cycle detected");var e=ta(this);if(this.h(),e!==void 0&&(e.i=this.i),16&this.f)throw this.v;return this.v}});function Bn(e,t){return new Un(e,t)}function ra(e){var t=e.j;if(e.j=void 0,typeof t=="function"){fn++;var n=Me;Me=void 0;try{t()}catch(o){throw e.f&=-2,e.f|=8,us(e),o}finally{Me=n,Wi()}}}function us(e){for(var t=e.s;t!==void 0;t=t.n)t.S.U(t);e.x=void 0,e.s=void 0,ra(e)}function Ad(e){if(Me!==this)throw new Error("Out-of-order effect");ia(this),Me=e,this.f&=-2;try{8&this.f&&us(this)}finally{Wi()}}function ko(e,t){this.x=e,this.j=void 0,this.s=void 0,this.u=void 0,this.f=32,this.name=t?.name,ei&&ei.push(this)}ko.prototype.c=function(){var e=this.S();try{if(8&this.f||this.x===void 0)return;var t=this.x();typeof t=="function"&&(this.j=t)}finally{e()}};ko.prototype.S=function(){if(1&this.f)throw new Error("Cycle detected");this.f|=1,this.f&=-9,ra(this),oa(this),fn++;var e=Me;return Me=this,Ad.bind(this,e)};ko.prototype.N=function(){2&this.f||(this.f|=2,this.u=ti,ti=this)};ko.prototype.d=function(){this.f|=8,1&this.f||us(this)};ko.prototype.dispose=function(){this.d()};function sn(e,t){var n=new ko(e,t);try{n.c()}catch(i){throw n.d(),i}var o=n.d.bind(n);return o[Symbol.dispose]=o,o}var sa,Bi,Ui,Dd=typeof window<"u"&&!!window.__PREACT_SIGNALS_DEVTOOLS__;var la=[];sn(function(){sa=this.N})();function So(e,t){me[e]=t.bind(null,me[e]||function(){})}function oi(e){if(Ui){var t=Ui;Ui=void 0,t()}Ui=e&&e.S()}function aa(e){var t=this,n=e.data,o=Od(n);o.name="ReactiveDom",o.value=n;var i=Ii(function(){for(var c=t,d=t.__v;d=d.__;)if(d.__c){d.__c.__$f|=4;break}var h=Bn(function(){var g=o.value.value;return g===0?0:g===!0?"":g||""}),m=Bn(function(){return!Array.isArray(h.value)&&!Jr(h.value)}),_=sn(function(){if(this.N=ca,m.value){var g=h.value;c.__v&&c.__v.__e&&c.__v.__e.nodeType===3&&(c.__v.__e.data=g)}}),$=t.__$u.d;return t.__$u.d=function(){_(),$.call(this)},[m,h]},[]),r=i[0],l=i[1];return r.value?l.peek():l.value}aa.displayName="ReactiveTextNode";Object.defineProperties(He.prototype,{constructor:{configurable:!0,value:Ni(Wn,null).constructor},type:{configurable:!0,value:aa},props:{configurable:!0,get:function(){var e=this;return{data:{get value(){return e.value}}}}},__b:{configurable:!0,value:1}});So("__b",function(e,t){if(oi(),Bi=void 0,typeof t.type=="string"){var n,o=t.props;for(var i in o)if(i!=="children"){var r=o[i];r instanceof He&&(n||(t.__np=n={}),n[i]=r,o[i]=r.peek())}}e(t)});So("__r",function(e,t){if(e(t),t.type!==Wn){oi();var n,o=t.__c;o&&(o.__$f&=-2,(n=o.__$u)===void 0&&(o.__$u=n=(function(i,r){var l;return sn(function(){l=this},{name:r}),l.c=i,l})((function(i){return function(){var r;Dd&&((r=this.y)==null||r.call(this)),i.__$f|=1,i.setState({})}})(o),typeof t.type=="function"?t.type.displayName||t.type.name:""))),Bi=o,oi(n)}});So("__e",function(e,t,n,o){oi(),Bi=void 0,e(t,n,o)});So("diffed",function(e,t){oi(),Bi=void 0;var n;if(typeof t.type=="string"&&(n=t.__e)){var o=t.__np,i=t.props,r=n.U;if(r)for(var l in r){var c=r[l];c===void 0||o&&l in o||(c.d(),r[l]=void 0)}if(o){r||(r={},n.U=r);for(var d in o){var h=r[d],m=o[d];h===void 0?(h=Ld(n,d,m,i),r[d]=h):h.o(m,i)}}}e(t)});function Ld(e,t,n,o){var i=t in e&&e.ownerSVGElement===void 0,r=kt(n);return{o:function(l,c){r.value=l,o=c},d:sn(function(){this.N=ca;var l=r.value.value;o[t]!==l&&(o[t]=l,i?e[t]=l:l!=null&&(l!==!1||t[4]==="-")?e.setAttribute(t,l):e.removeAttribute(t))})}}So("unmount",function(e,t){if(typeof t.type=="string"){var n=t.__e;if(n){var o=n.U;if(o){n.U=void 0;for(var i in o){var r=o[i];r&&r.d()}}}var l=t.__np;if(l){var c=t.props;for(var d in l)c[d]=l[d]}t.__np=void 0}else{var h=t.__c;if(h){h.__$f|=8;var m=h.__$u;m&&(h.__$u=void 0,m.d())}}e(t)});So("__h",function(e,t,n,o){o<3&&(t.__$f|=2),e(t,n,o)});kn.prototype.shouldComponentUpdate=function(e,t){if(this.__R)return!0;var n=this.__$u,o=n&&n.s!==void 0;for(var i in t)return!0;if(this.__f||typeof this.u=="boolean"&&this.u===!0){var r=2&this.__$f;if(!(o||r||4&this.__$f)||1&this.__$f)return!0}else if(!(o||4&this.__$f)||3&this.__$f)return!0;for(var l in e)if(l!=="__source"&&e[l]!==this.props[l])return!0;for(var c in this.props)if(!(c in e))return!0;return!1};function Od(e,t){return Ii(function(){return kt(e,t)},[])}var Fd=function(e){queueMicrotask(function(){queueMicrotask(e)})};function Nd(){cs(function(){for(var e;e=la.shift();)sa.call(e)})}function ca(){la.push(this)===1&&(me.requestAnimationFrame||Fd)(Nd)}var rt=class extends Error{constructor(n,o,i){super(i);this.status=n;this.code=o}status;code;get hint(){return zd[this.status]??(this.status>=500?"The log of the router says more.":"")}},zd={0:"Is it running, and can this browser reach it? This page goes on by itself when it answers.",401:"Log in again.",403:"The present login lacks the scope for this; log in with a token that has it.",404:"It is switched off in the configuration, or there is none of this name.",409:"Look at its state: it may have changed meanwhile.",429:"Wait a moment; this page tries again.",503:"The router is busy, starting or stopping; this page tries again."},St=kt(null),ua={authenticated:!0,open:!0,password:!1,scopes:[],sites:null,csrf:""},da={...ua,authenticated:!1,open:!1};async function ii(){try{St.value=await ri("/api/session")}catch(e){let t=e instanceof rt&&e.status===404;if(St.value=t?{...ua}:{...da,password:!0},!t&&e.status===0)throw e}}async function pa(e){await ds("POST","/api/session",JSON.stringify(e)),await ii()}async function fa(){await ds("DELETE","/api/session"),await ii()}var To=()=>{let e=St.value;return!!e&&(e.open||e.scopes.includes("admin"))};function We(e,t){let n=new URLSearchParams;for(let[i,r]of Object.entries(t))for(let l of Array.isArray(r)?r:[r])l!==void 0&&l!==""&&n.append(i,String(l));let o=n.toString();return o?`${e}?${o}`:e}var ri=(e,t)=>ha(e,t?{signal:t}:{}),Gn=e=>ds("POST",e);function ds(e,t,n){let o={};return St.value?.csrf&&(o["X-OpenTrack-CSRF"]=St.value.csrf),n!==void 0&&(o["Content-Type"]="application/json"),ha(t,n===void 0?{method:e,headers:o}:{method:e,headers:o,body:n})}var ma=async e=>(await ga(e,{})).text();async function ha(e,t){let o=await(await ga(e,t)).text();return o?JSON.parse(o):void 0}async function ga(e,t){let n=await fetch(e,{...t,cache:"no-store",credentials:"same-origin"}).catch(i=>{throw i instanceof DOMException&&i.name==="AbortError"?i:new rt(0,"unreachable","The router does not answer.")});if(n.ok||e==="/ready"&&n.status===503)return n;let o=await Id(n);throw n.status===401&&e!=="/api/session"&&St.value?.authenticated&&(St.value={...da,password:!0},ii().catch(()=>{})),o}async function Id(e){let t=await e.json().catch(()=>({}));return new rt(e.status,t.code??"",t.message??`The router answered ${e.status}.`)}function ee(e,t){let[n,o]=K({path:e,data:void 0,trouble:void 0}),i=it(()=>{});nt(()=>{if(e===null)return;let l=new AbortController,c,d=!1,h=async()=>{if(clearTimeout(c),d)return;d=!0;let _=document.hidden?{}:await jd(e,l.signal);if(d=!1,l.signal.aborted)return;"data"in _?o({path:e,data:_.data,trouble:void 0}):_.trouble&&o(g=>({path:e,data:g.path===e?g.data:void 0,trouble:_.trouble}));let $=t||(_.trouble?5e3:0);$&&(c=setTimeout(h,$))},m=()=>!document.hidden&&void h();return i.current=()=>{h()},document.addEventListener("visibilitychange",m),h(),()=>{l.abort(),clearTimeout(c),document.removeEventListener("visibilitychange",m)}},[e,t]);let r=n.path===e;return{data:r?n.data:void 0,trouble:r?n.trouble:void 0,reload:()=>i.current()}}async function jd(e,t){try{return{data:await ri(e,t)}}catch(n){return t.aborted?{}:{trouble:n instanceof rt?n:new rt(0,"unreadable","The answer cannot be read.")}}}var va="opentrack.console.";function Vd(e){try{return localStorage.getItem(va+e)}catch{return null}}function fs(e,t,n){let o=Vd(e),i=kt(o!==null&&n(o)?o:t);return sn(()=>{let r=i.value;try{localStorage.setItem(va+e,r)}catch{}}),i}var _a=Intl.DateTimeFormat().resolvedOptions().timeZone||"UTC";function Hd(e){try{return new Intl.DateTimeFormat("en",{timeZone:e}),!0}catch{return!1}}var Wd=["auto","light","dark"],si=fs("theme","auto",e=>Wd.includes(e)),se=fs("zone",_a,Hd),Gt=fs("site","",()=>!0);function $a(){let e=typeof Intl.supportedValuesOf=="function"?Intl.supportedValuesOf("timeZone"):[];return[...new Set([_a,"UTC",se.value,...e])]}var ps=matchMedia("(prefers-color-scheme: dark)"),ba=kt(ps.matches);ps.addEventListener("change",()=>ba.value=ps.matches);var Gi=kt(!1);sn(()=>{Gi.value=si.value==="dark"||si.value==="auto"&&ba.value,document.documentElement.dataset.theme=Gi.value?"dark":"light"});var Ue=kt(Date.now());setInterval(()=>{document.hidden||(Ue.value=Date.now())},1e3);var Kn=navigator.language,li=new Intl.NumberFormat(Kn),Ud=new Intl.NumberFormat(Kn,{notation:"compact",maximumSignificantDigits:3}),Ki=new Intl.NumberFormat(Kn,{maximumFractionDigits:1}),Bd=new Intl.NumberFormat(Kn,{style:"percent",maximumFractionDigits:1}),Gd=new Intl.DisplayNames(Kn,{type:"region",fallback:"none"}),Z=e=>li.format(e),Ae=e=>Math.abs(e)<1e4?li.format(Math.round(e)):Ud.format(e),Kt=e=>Bd.format(e),qi=e=>Ki.format(e);function Po(e){let t=e,n="B";for(let o of["KiB","MiB","GiB","TiB"]){if(t<1023.5)break;t/=1024,n=o}return`${n==="B"||t>=9.95?li.format(Math.round(t)):Ki.format(t)} ${n}`}var ya=[[864e5,"d"],[36e5,"h"],[6e4,"m"],[1e3,"s"]];function Ne(e){let t=ya.findIndex(([i])=>e>=i);if(t<0)return"0s";let n=e,o=[];for(let[i,r]of ya.slice(t,t+2))n>=i&&o.push(`${Math.floor(n/i)}${r}`),n%=i;return o.join(" ")}var Co=e=>e<1e3?`${li.format(Math.round(e))} ms`:`${Ki.format(e/1e3)} s`;function qn(e){return e>0&&e<.05?"<0.1/s":`${e>=9.95?li.format(Math.round(e)):Ki.format(e)}/s`}function Yn(e,t){let n=Number(e);try{return new Intl.NumberFormat(Kn,{style:"currency",currency:t}).format(n)}catch{return`${e} ${t}`}}function Tn(e){return!/^[A-Z]{2}$/.test(e)||e==="ZZ"?"Unknown":Gd.of(e)??e}var wa=new Map;function ai(e,t,n){let o=t+JSON.stringify(n),i=wa.get(o);i||(i=new Intl.DateTimeFormat(Kn,{...n,timeZone:t}),wa.set(o,i));let r=new Date(e);return Number.isNaN(r.getTime())?String(e):i.format(r)}var pt=(e,t)=>ai(e,t,{dateStyle:"medium",timeStyle:"medium"}),Pn=(e,t)=>ai(e,t,{hour:"2-digit",minute:"2-digit",second:"2-digit"}),ci=(e,t)=>ai(e,t,{hour:"2-digit",minute:"2-digit"}),ms=(e,t)=>ai(e,t,{day:"numeric",month:"short"}),xa=(e,t)=>ai(e,t,{weekday:"short",hour:"2-digit",minute:"2-digit"});function Tt(e,t){let n=t-new Date(e).getTime();return n<1e3?"just now":`${Ne(n)} ago`}var Sa=function(e,t,n,o){var i;t[0]=0;for(var r=1;r<t.length;r++){var l=t[r++],c=t[r]?(t[0]|=l?1:2,n[t[r++]]):t[++r];l===3?o[0]=c:l===4?o[1]=Object.assign(o[1]||{},c):l===5?(o[1]=o[1]||{})[t[++r]]=c:l===6?o[1][t[++r]]+=c+"":l?(i=e.apply(c,Sa(e,c,n,["",null])),o.push(i),c[0]?t[0]|=2:(t[r-2]=0,t[r]=i)):o.push(c)}return o},ka=new Map;function Ta(e){var t=ka.get(this);return t||(t=new Map,ka.set(this,t)),(t=Sa(this,t.get(e)||(t.set(e,t=(function(n){for(var o,i,r=1,l="",c="",d=[0],h=function($){r===1&&($||(l=l.replace(/^\s*\n\s*|\s*\n\s*$/g,"")))?d.push(0,$,l):r===3&&($||l)?(d.push(3,$,l),r=2):r===2&&l==="..."&&$?d.push(4,$,0):r===2&&l&&!$?d.push(5,0,!0,l):r>=5&&((l||!$&&r===5)&&(d.push(r,0,l,i),r=6),$&&(d.push(r,$,0,i),r=6)),l=""},m=0;m<n.length;m++){m&&(r===1&&h(),h(m));for(var _=0;_<n[m].length;_++)o=n[m][_],r===1?o==="<"?(h(),d=[d],r=3):l+=o:r===4?l==="--"&&o===">"?(r=1,l=""):l=o+l[0]:c?o===c?c="":l+=o:o==='"'||o==="'"?c=o:o===">"?(h(),r=1):r&&(o==="="?(r=5,i=l,l=""):o==="/"&&(r<5||n[m][_+1]===">")?(h(),r===3&&(d=d[0]),r=d,(d=d[0]).push(2,0,r),r=0):o===" "||o==="	"||o===`
`||o==="\r"?(h(),r=2):l+=o),r===3&&l==="!--"&&(r=4,d=d[0])}return h(),d})(e)),t),arguments,[])).length>1?t:t[0]}var u=Ta.bind(Ni),ui=(...e)=>e.filter(Boolean).join(" "),Kd=/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,Yi=e=>e.replace(Kd,"�"),M=({text:e,empty:t="–"})=>e?u`<bdi>${Yi(e)}</bdi>`:u`<span class="muted">${t}</span>`;var de=({title:e,tools:t,flush:n,children:o,...i})=>u`<section class=${ui("panel",i.class)} aria-label=${e}>
    <header>
      <h2>${e}</h2>
      ${t}
    </header>
    <div class=${n?"flush":"body"}>${o}</div>
  </section>`,ge=({what:e,next:t})=>u`<div class="empty"><strong>${e}</strong>${t&&u`<span>${t}</span>`}</div>`,Nt=({trouble:e})=>e?u`<div class="notice bad" role="alert">
        <div><strong>${Jn(e.message)}</strong> ${e.hint}</div>
      </div>`:null;function Jn(e){let t=e.charAt(0).toUpperCase()+e.slice(1);return/[.!?]$/.test(t)?t:`${t}.`}function Se({of:e,children:t}){return e.data===void 0&&!e.trouble?u`<p class="waiting" role="status">Loading…</p>`:u`<${Nt} trouble=${e.trouble} />${e.data!==void 0&&t(e.data)}`}var _t=({of:e,compact:t})=>u`<dl class=${ui("figures",t&&"compact")}>
    ${e.map(({name:n,value:o,beside:i,tone:r})=>u`<div key=${n}>
          <dt>${n}</dt>
          <dd>${o}${i!==void 0&&u`<small class=${r??""}>${i}</small>`}</dd>
        </div>`)}
  </dl>`,ft=({label:e,of:t,value:n,choose:o,tabs:i})=>u`<div class=${i?"tabs":"choice"} role="group" aria-label=${e}>
    ${t.map(([r,l])=>u`<button key=${r} type="button" aria-pressed=${r===n} onClick=${()=>o(r)}>
          ${l}
        </button>`)}
  </div>`;function Eo({parts:e,label:t}){let n=0;return u`<svg class="meter" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label=${t}>
    ${e.map(({tone:o,share:i})=>{let r=n;return n+=i*100,u`<rect class=${o} x=${r} y="0" width=${Math.max(0,i*100)} height="1" />`})}
  </svg>`}var mn=({label:e,head:t,children:n})=>u`<div class="scroll" tabindex="0" role="region" aria-label=${e}>
    <table>
      <thead>
        <tr>
          ${t.map(([o,i])=>u`<th scope="col" class=${i?"num":""}>${o}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${n}
      </tbody>
    </table>
  </div>`;var hs=kt(location.hash);addEventListener("hashchange",()=>hs.value=location.hash);var zt=Bn(()=>{let[e="",t=""]=hs.value.replace(/^#\/?/,"").split("?"),[n="",...o]=e.split("/");return{page:n||"live",detail:qd(o.join("/")),query:new URLSearchParams(t)}}),Lg=Bn(()=>zt.value.query.toString());function qd(e){try{return decodeURIComponent(e)}catch{return e}}function qt(e,t="",n={}){let o=new URLSearchParams(Object.entries(n).filter(([,i])=>i!=="")).toString();return`#/${e}${t&&`/${encodeURIComponent(t)}`}${o&&`?${o}`}`}function Ji(e){let{page:t,detail:n,query:o}=zt.value;history.replaceState(null,"",qt(t,n,{...Object.fromEntries(o),...e})),hs.value=location.hash}var Yd=6e4;function Zi(){let{data:e}=ee("/api/sources",Yd),t=(e?.sources??[]).map(({name:i})=>i),n=Gt.value;if(t.length===0&&!n)return null;let o=n&&!t.includes(n)?[...t,n]:t;return u`<select
    aria-label="Source"
    value=${n}
    onChange=${i=>Gt.value=i.target.value}
  >
    <option value="">All sources</option>
    ${o.map(i=>u`<option key=${i} value=${i}>${i}</option>`)}
  </select>`}var Pa=[["1","Today"],["7","7 days"],["30","30 days"],["365","12 months"]],Jd="7";function Qi(e){let t=new Intl.DateTimeFormat("en-CA",{timeZone:se.value,year:"numeric",month:"2-digit",day:"2-digit"}).format(Date.now()),n=new Date(`${t}T12:00:00Z`);return n.setUTCDate(n.getUTCDate()-e),n.toISOString().slice(0,10)}function ln(){let{query:e}=zt.value,t=e.get("period")??"",n=Pa.some(([i])=>i===t)?t:Jd,o=Number(n);return{key:n,days:o,isHourly:o===1,filters:e.getAll("filter").filter(Boolean),now:{from:Qi(o-1),to:Qi(0)},before:{from:Qi(2*o-1),to:Qi(o)}}}function st(e,t={},n="now"){let o=ln();return We(`/api/stats/${e}`,{site:Gt.value,...o[n],tz:se.value,filter:o.filters,...t})}function Xi(e,t){let n=`${e}:${t}`,[o]=ln().filters;Ji({filter:o===n?"":n})}var Cn=({title:e,isFiltered:t})=>u`<div class="top">
    <h1>${e}</h1>
    <${Zi} />
    <${ft} label="Period" of=${Pa} value=${ln().key} choose=${n=>Ji({period:n})} />
    ${t&&ln().filters.map(n=>u`<button key=${n} type="button" aria-label=${`Remove the filter ${n}`} onClick=${()=>Ji({filter:""})}><${M} text=${n.replace(":",": ")} /> ×</button>`)}
  </div>`;function er(e,t){if(t===void 0)return;if(t===0)return{beside:e===0?"as before":"none before",tone:void 0};let n=(e-t)/t;return{beside:`${new Intl.NumberFormat(navigator.language,{style:"percent",maximumFractionDigits:0,signDisplay:"exceptZero"}).format(n)} to before`,tone:n===0?void 0:n>0?"good":"bad"}}var gs=3e4,Zd=1e4;function Ca(){return u`<${Cn} title="Commerce" />
    <div class="stack"><div class="grid wide"><${Qd} /><${ep} /></div>
    <${tp} /></div>`}function Qd(){let e=ee(st("funnel"),gs);return u`<${de} title="Funnel">
    <${Se} of=${e}>
      ${({rows:t})=>(t[0]?.visitors??0)===0?u`<${ge}
              what="Nobody took the first step in this time."
              next=${u`Send Segment's ecommerce events: “Product Viewed”, “Product Added”, “Checkout Started”, “Order Completed”.`}
            />`:u`<ol class="funnel">
              ${t.map((n,o)=>u`<${Xd} key=${n.step} step=${n} at=${o} />`)}
            </ol>`}
    <//>
  <//>`}var Xd=({step:e,at:t})=>u`<li>
    <div class="line">
      <strong><${M} text=${e.step} /></strong>
      <span>${Z(e.visitors)} visitors</span>
      <span class="muted"
        >${Kt(e.conversion)} of all${t>0&&`, ${Kt(e.step_conversion)} of the step before`}</span
      >
    </div>
    <${Eo} label=${`${e.step}: ${Kt(e.conversion)}`} parts=${[{tone:"a",share:e.conversion}]} />
  </li>`;function ep(){let e=ee(We("/api/stats/realtime",{site:Gt.value}),Zd),t=ee(st("events",{filter:"event:Cart Abandoned"}),gs),n=t.data?.rows.find(({event:o})=>o==="Cart Abandoned")?.count??0;return u`<${de} title="Carts"><div class="stack">
    <${_t}
      of=${[{name:"Open now",value:e.data?Ae(e.data.totals.carts):"–",beside:"with something in them"},{name:"Abandoned",value:t.data?Ae(n):"–",beside:"in this period"}]}
    />
    <p class="muted small">
      A cart that is untouched for an hour becomes the event “Cart Abandoned”, which every destination gets.
    </p></div>
  <//>`}function tp(){let e=ee(st("revenue"),gs),t=ee(st("revenue",{},"before"),0);return u`<${de} title="Revenue by currency" flush>
    <${Se} of=${e}>
      ${({rows:n})=>n.length===0?u`<${ge}
              what="No order in this time."
              next="“Order Completed” with revenue, total or value counts as one."
            />`:u`<${mn} label="Revenue by currency" head=${np}
              >${n.map(o=>u`<${op} key=${o.currency} row=${o} before=${t.data?.rows.find(({currency:i})=>i===o.currency)} />`)}<//
            >`}
    <//>
  <//>`}var np=[["Currency"],["Orders",!0],["Gross",!0],["Refunds",!0],["Net",!0],["Average order",!0],["Net to before",!0]];function op({row:e,before:t}){let n=er(Number(e.net),t&&Number(t.net));return u`<tr>
    <td><${M} text=${e.currency} /></td>
    <td class="num">${Z(e.orders)}</td>
    <td class="num">${Yn(e.gross,e.currency)}</td>
    <td class="num">${Yn(e.refunds,e.currency)}</td>
    <td class="num"><strong>${Yn(e.net,e.currency)}</strong></td>
    <td class="num">${Yn(e.aov,e.currency)}</td>
    <td class=${`num ${n?.tone??"muted"}`}>${n?.beside.replace(" to before","")??"none"}</td>
  </tr>`}var ip={delivered:"good",pending:"",in_flight:"",skipped:"quiet",retrying:"warn",held:"bad",dead:"bad",refused:"bad",broken:"bad",transient:"warn",throttled:"warn",flowing:"good",paused:"warn",draining:"warn",off:"quiet"},Mo=e=>ip[e]??"",Pt=({word:e,text:t,title:n})=>u`<span class=${`chip ${Mo(e)}`} title=${n&&Yi(n)}
    >${Yi(t??e).replaceAll("_"," ")}</span
  >`;function Ea(e){let t=it(null);return nt(()=>{let n=t.current,o=document.activeElement;return n?.showModal(),n?.addEventListener("close",e),()=>{n?.removeEventListener("close",e),n?.close(),o instanceof HTMLElement&&o.focus()}},[]),t}function di({title:e,act:t,danger:n,confirm:o,run:i,close:r,children:l}){let c=Ea(r),[d,h]=K(),[m,_]=K(""),[$,g]=K(!1);return u`<dialog ref=${c} aria-labelledby="ask-title">
    <form onSubmit=${async E=>{E.preventDefault(),g(!0);try{await i(new FormData(E.currentTarget)),r()}catch(P){h(P instanceof rt?P:new rt(0,"",String(P))),g(!1)}}}>
      <h2 id="ask-title">${e}</h2>
      ${l}
      ${o!==void 0&&u`<label class="field"
          ><span>Type <code>${o}</code> to confirm</span>
          <input
            autocomplete="off"
            value=${m}
            onInput=${E=>_(E.target.value)}
        /></label>`}
      <${Nt} trouble=${d} />
      <div class="actions">
        <button type="button" onClick=${r}>Cancel</button>
        <button
          class=${n?"danger":"main-action"}
          disabled=${$||o!==void 0&&m!==o}
        >
          ${t}
        </button>
      </div>
    </form>
  </dialog>`}function tr({title:e,close:t,children:n}){let o=Ea(t);return u`<dialog class="sheet" ref=${o} aria-labelledby="sheet-title">
    <header>
      <h2 id="sheet-title">${e}</h2>
      <button type="button" onClick=${t}>Close</button>
    </header>
    <div class="content">${n}</div>
  </dialog>`}function an({run:e,children:t,label:n,disabled:o,class:i=""}){let[r,l]=K(),[c,d]=K(!1);return u`<button type="button" class=${i} disabled=${o||c} aria-label=${n} onClick=${async()=>{d(!0),l(void 0);try{await e()}catch(m){l(m instanceof rt?m:new rt(0,"",String(m)))}d(!1)}}>
      ${t}
    </button>
    ${r&&u`<${Nt} trouble=${r} />`}`}var nr=(e,t)=>`/api/destinations/${encodeURIComponent(e)}/${t}`;function Ma({of:e,done:t}){let[n,o]=K("");if(!To())return u`<p class="small muted">
      To order something here, log in with a token of the scope <code>admin</code>.
    </p>`;let i=c=>async()=>{await Gn(nr(e.name,c)),t()},r=e.state==="paused",l=e.backlog.events>0;return u`<div class="bar">
    ${r?u`<${an} key="resume" class="main-action" run=${i("resume")}>Resume<//>`:u`<${an} key="pause" run=${i("pause")}>Pause<//>`}
    ${!r&&e.state!=="flowing"&&u`<${an} class="main-action" run=${i("retry")}>Retry now<//>`}
    <button type="button" onClick=${()=>o("replay")}>Replay…</button>
    ${l&&u`<button type="button" class="danger" onClick=${()=>o("drop")}>Drop backlog…</button>`}
    ${n==="replay"&&u`<${rp} name=${e.name} close=${()=>o("")} done=${t} />`}
    ${n==="drop"&&u`<${di}
        title=${`Drop what waits for ${e.name}`}
        act="Drop for good"
        danger
        confirm=${e.name}
        close=${()=>o("")}
        run=${async()=>{await Gn(We(nr(e.name,"drop"),{confirm:e.name})),t()}}
      >
        <p>
          ${Z(e.backlog.events)} events will never be sent to this destination, and count as lost. Other
          destinations get them all the same.
        </p>
      <//>`}
  </div>`}var Ra=({name:e,done:t})=>To()?u`<${an}
        run=${async()=>{await Gn(We(nr(e,"replay"),{stop:"true"})),t()}}
        >Stop replay<//
      >`:null;function rp({name:e,close:t,done:n}){let o=async i=>{let r=d=>String(i.get(d)??"").trim(),l=d=>r(d)?new Date(r(d)).toISOString():"",c=r("filter").split(",").map(d=>d.trim());await Gn(We(nr(e,"replay"),{from:l("from"),until:l("until"),filter:c,rate:r("rate")})),n()};return u`<${di} title=${`Replay to ${e}`} act="Replay" close=${t} run=${o}>
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
  <//>`}function Da({of:e,reload:t}){return u`<section class="panel destination" aria-label=${e.name}>
    <header>
      <h3><${M} text=${e.name} /> <span class="muted small">${e.type}</span></h3>
      <${Pt} word=${e.state} />
    </header>
    <div class="body">
      <${lp} of=${e} />
      ${e.enabled&&u`<${_t} compact of=${ap(e)} />`}
      <${up} of=${e} />
      <${Aa} name="Skipped" of=${e.counts.skipped} />
      <${Aa} name="Dead" of=${e.counts.dead} />
      ${e.replay&&u`<${dp} of=${e.replay} name=${e.name} done=${t} />`}
      ${e.enabled&&u`<${Ma} of=${e} done=${t} />`}
    </div>
  </section>`}var vs={unauthorized:"The other side does not accept the key. Put a good one into the configuration, then retry.",forbidden:"The key lacks a right. Give it that right on the other side, then retry.",preparing:"It has just begun.",paused:"An operator has paused it."},sp={retrying:"The other side fails. Events wait in the journal and are tried again by themselves",throttled:"The other side asks for less. Events wait in the journal until it takes more",held:"It cannot go on. Events wait in the journal until the cause is gone"};function lp({of:e}){if(!e.enabled)return u`<p class="muted">
      It is switched off: nothing is sent. Its required settings are empty, or <code>enabled = false</code>.
    </p>`;if(e.state==="flowing")return null;let t=e.reason??"",n=t===e.last_error?.message?sp[e.state]:t.replaceAll("_"," "),o=vs[t]??(e.last_error?.status===401?vs.unauthorized:e.last_error?.status===403?vs.forbidden:void 0);if(!n&&!o)return null;let i=e.state==="held"&&t!=="preparing";return u`<div class=${i?"notice bad":"notice warn"}>
    <div>
      <strong><${M} text=${Jn(n||e.state)} /></strong> ${o}
    </div>
  </div>`}function ap(e){let t=e.backlog.events>0;return[{name:"Backlog",value:Ae(e.backlog.events),beside:t?Po(e.backlog.bytes):"nothing waits"},{name:"Oldest",value:t?Ne(e.oldest_age_ms):"–",beside:e.drain_eta_ms!==null&&t?`through in ${Ne(Math.max(1e3,e.drain_eta_ms))}`:void 0},{name:"Rate",value:qn(e.rate.out),beside:`${qn(e.rate.in)} in`},{name:"Delivered",value:Ae(e.counts.delivered),beside:e.concurrency&&`${e.concurrency.limit} of ${e.concurrency.cap} at once`},{name:"Breaker",value:e.breaker.state.replace("_","-"),beside:cp(e),tone:e.breaker.state==="closed"?void 0:"bad"},e.next_attempt_at?{name:"Next attempt",value:La(e.next_attempt_at),beside:void 0}:null,e.holds_journal?{name:"Holds the journal",value:`${e.holds_journal.percent} %`,beside:e.holds_journal.full_in_ms===null?"not growing":`full in ${Ne(e.holds_journal.full_in_ms)}`,tone:"bad"}:null].filter(o=>!!o)}var La=e=>{let t=new Date(e).getTime()-Ue.value;return t<=0?"now":`in ${Ne(Math.max(1e3,t))}`};function cp({breaker:e}){let t=e.failures>0?`${Z(e.failures)} failed in a row`:"",n=e.reopens_at?`tries ${La(e.reopens_at)}`:"";return[t,n].filter(Boolean).join(", ")||void 0}function up({of:e}){let t=e.last_error;return t?u`<div>
    <p class="small muted">
      Last error,${" "}
      <time datetime=${t.at} title=${pt(t.at,se.value)}>${Tt(t.at,Ue.value)}</time
      >${t.status!==null&&u`, status <strong>${t.status}</strong>`}
    </p>
    <pre class="words" tabindex="0"><${M} text=${t.message} empty="no words" /></pre>
  </div>`:null}function Aa({name:e,of:t}){let n=Object.entries(t);return n.length===0?null:u`<p class="reasons">
    ${e}
    ${n.map(([o,i])=>u`<span key=${o}
          ><code><${M} text=${o} /></code> <strong>${Z(i)}</strong></span
        >`)}
  </p>`}function dp({of:e,name:t,done:n}){let o=Math.max(1,e.until-e.from),i=Math.min(1,Math.max(0,(e.position-e.from)/o));return u`<div>
    <p class="reasons">
      <strong>Replay</strong> <${Pt} word=${e.state} /> ${Z(e.delivered)} delivered, ${Z(e.dead)} dead,${" "}
      ${Z(e.left)} left <${Ra} name=${t} done=${n} />
    </p>
    <${Eo} label=${`${Math.round(i*100)} % replayed`} parts=${[{tone:"a",share:i}]} />
    ${e.reason&&u`<p class="small"><${M} text=${e.reason} /></p>`}
  </div>`}var or=64;function Fa({sources:e,destinations:t,chosen:n}){let o=Math.max(1,e.length),i=Math.max(o,t.length)*or,r=Math.max(0,...t.map(({rate:l})=>l.in));return u`<section class="graph" aria-label="The way of events">
    <ul aria-label="Sources">
      ${e.length===0&&u`<li>
          <a class="node" href=${qt("sources")}><strong>Any source</strong><small>keys and snippets</small></a>
        </li>`}
      ${e.map(l=>u`<li key=${l.name}><${pp} of=${l} /></li>`)}
    </ul>
    <${Oa} count=${o} height=${i} kind=${()=>r>0?"flows moves":""} />
    <div class="hub"><strong>Router</strong><small>${qn(r)} in</small></div>
    <${Oa} isRight count=${t.length} height=${i} kind=${l=>mp(t[l])} />
    <ul aria-label="Destinations">
      ${t.map(l=>u`<li key=${l.name}><${fp} of=${l} isChosen=${l.name===n} /></li>`)}
    </ul>
  </section>`}var pp=({of:e})=>u`<a class="node" href=${qt("sources",e.name)}>
    <strong><${M} text=${e.name} /></strong><small>${Ae(e.events_total)} events</small>
    <small>${e.last_event_at?Tt(e.last_event_at,Ue.value):"nothing yet"}</small>
  </a>`;function fp({of:e,isChosen:t}){let{backlog:n,oldest_age_ms:o}=e;return u`<a
    class=${ui("node",Mo(e.state))}
    href=${t?qt("destinations"):qt("destinations",e.name)}
    aria-current=${t?"true":void 0}
  >
    <strong><${M} text=${e.name} /></strong><${Pt} word=${e.state} />
    <small>
      ${e.enabled?n.events>0?`${qn(e.rate.out)} out · ${Ae(n.events)} wait, ${Ne(o)}`:`${qn(e.rate.out)} out · nothing waits`:e.type}
    </small>
  </a>`}function mp({state:e,enabled:t,rate:n}){return t?e==="flowing"?`flows${n.out>0?" moves":""}`:Mo(e):"off"}function Oa({isRight:e,count:t,height:n,kind:o}){let i=n/2,r=(n-t*or)/2+or/2,l=c=>{let d=r+c*or,[h,m]=e?[i,d]:[d,i];return`M0 ${h} C50 ${h} 50 ${m} 100 ${m}`};return u`<svg viewBox=${`0 0 100 ${n}`} preserveAspectRatio="none" aria-hidden="true">
    ${Array.from({length:t},(c,d)=>u`<path key=${d} class=${o(d)} d=${l(d)} />`)}
  </svg>`}var hp=2e3;function ir({id:e,close:t}){let n=ee(`/api/events/${encodeURIComponent(e)}`,hp);return u`<${tr} title=${u`Event <code><${M} text=${e} /></code>`} close=${t}>
    <${Se} of=${n}>${o=>u`<${gp} journey=${o} />`}<//>
  <//>`}function gp({journey:e}){let t=Object.entries(e.destinations??{});return u`<ol class="path">
      ${e.rejected?u`<${_p} of=${e.rejected} />`:u`<${vp} journey=${e} />`}
      ${t.map(([n,o])=>u`<${$p} key=${n} name=${n} fate=${o} />`)}
    </ol>
    ${!e.rejected&&t.length===0&&u`<p class="muted">No destination is configured: the event is kept in the journal.</p>`}
    ${e.event!==void 0&&u`<section aria-label="The event">
        <h3>The event</h3>
        <${pi} value=${e.event} />
      </section>`}`}var vp=({journey:e})=>u`<li class="good">
    <div class="line">
      <strong>Accepted</strong>
      ${e.source&&u`<span>from <${M} text=${e.source} /></span>`}
      ${e.received_at&&u`<span class="muted small">${pt(e.received_at,se.value)}</span>`}
    </div>
  </li>`,_p=({of:e})=>u`<li class="bad">
    <div class="line"><strong>Rejected</strong><${Pt} word="dead" text=${e.code} /></div>
    <p><${M} text=${Jn(e.message)} /> ${e.path&&u`<code><${M} text=${e.path} /></code>`}</p>
  </li>`;function $p({name:e,fate:t}){let n=t.next_attempt_at?new Date(t.next_attempt_at).getTime()-Ue.value:0;return u`<li class=${Mo(t.fate)}>
    <div class="line">
      <strong><${M} text=${e} /></strong><${Pt} word=${t.fate} />
      ${t.reason&&u`<code><${M} text=${t.reason} /></code>`}
      ${t.table&&u`<span class="muted small"
          >table <code><${M} text=${t.table} /></code
        ></span>`}
      ${n>0&&u`<span class="muted small">next attempt in ${Ne(n)}</span>`}
    </div>
    ${t.attempts.map((o,i)=>u`<div class="try" key=${i}>
          <span class="small muted">
            Attempt ${i+1} · ${Pn(o.at,se.value)} · ${o.status??"no status"}
            ${o.latency_ms!==null&&o.latency_ms!==void 0&&u` · ${Co(o.latency_ms)}`}
          </span>
          ${o.answer&&u`<pre class="words" tabindex="0"><${M} text=${o.answer} /></pre>`}
        </div>`)}
  </li>`}var pi=({value:e})=>u`<pre
    class="words json"
    tabindex="0"
  ><${M} text=${typeof e=="string"?e:JSON.stringify(e,null,2)} /></pre>`;var bp=5e3,za=50;function Ia({destinations:e,chosen:t,settled:n}){let[o,i]=K(t),[r,l]=K(""),[c,d]=K(!1),[h,m]=K(""),[_,$]=K(""),g={destination:o,reason:r},x=ee(We("/api/dead-letters",{...g,limit:za}),bp),E=async(y,R)=>{let{count:k,left:q}=await Gn(We(`/api/dead-letters/${y}`,R));m(`${Z(k)} ${y==="retry"?"sent again":"dropped"}${q?`, ${Z(q)} stay: their destination is off or gone`:""}.`),x.reload(),n()},P=[...new Set(e.flatMap(({counts:y})=>Object.keys(y.dead)))].sort(),A=u`<div class="bar">
    <${Na}
      label="Destination"
      value=${o}
      choose=${i}
      of=${e.map(({name:y})=>y)}
      all="All destinations"
    />
    <${Na} label="Reason" value=${r} choose=${l} of=${P} all="All reasons" />
    ${To()&&!!x.data?.dead_letters.length&&u`<${an} class="main-action" run=${()=>E("retry",g)}>Send all again<//>
        <button type="button" class="danger" onClick=${()=>d(!0)}>Drop all…</button>`}
  </div>`;return u`<${de} title="Dead letters" tools=${A} flush>
      <p class="muted small pad" role="status">
        ${h||"Events that a destination refused for good, newest first. Nothing is lost: each can be sent again."}
      </p>
      <${Se} of=${x}>
        ${y=>y.dead_letters.length===0?u`<${ge}
                what="No dead letters."
                next=${o||r?"None with this filter.":"Every event was taken, or still waits for its turn."}
              />`:u`<${yp}
                key=${`${o}/${r}`}
                first=${y}
                filter=${g}
                settle=${E}
                see=${$}
              />`}
      <//>
    <//>
    ${c&&u`<${di}
        title="Drop dead letters"
        act="Drop for good"
        danger
        confirm=${o||"all"}
        close=${()=>d(!1)}
        run=${()=>E("drop",{...g,confirm:o||"all"})}
      >
        <p>
          Every dead letter${o&&` of ${o}`}${r&&` with the reason ${r}`} is given up.
          They cannot be brought back.
        </p>
      <//>`}
    ${_&&u`<${ir} id=${_} close=${()=>$("")} />`}`}var Na=({label:e,value:t,choose:n,of:o,all:i})=>u`<select
    aria-label=${e}
    value=${t}
    onChange=${r=>n(r.target.value)}
  >
    <option value="">${i}</option>
    ${o.map(r=>u`<option key=${r} value=${r}>${r}</option>`)}
  </select>`;function yp({first:e,filter:t,settle:n,see:o}){let[i,r]=K(),l=i?i.next:e.next,c=async()=>{let m=await ri(We("/api/dead-letters",{...t,limit:za,cursor:l??""}));r({dead_letters:[...i?.dead_letters??[],...m.dead_letters],next:m.next})},d=new Set(e.dead_letters.map(({id:m})=>m)),h=[...e.dead_letters,...(i?.dead_letters??[]).filter(({id:m})=>!d.has(m))];return u`<ul class="list">
      ${h.map(m=>u`<li key=${m.id}><${wp} letter=${m} settle=${n} see=${o} /></li>`)}
    </ul>
    ${l&&u`<p class="pad"><${an} run=${c}>Show older ones<//></p>`}`}function wp({letter:e,settle:t,see:n}){let{id:o,destination:i}=e;return u`<details>
    <summary>
      <${Pt} word="dead" text=${e.reason} />
      <strong><${M} text=${i} /></strong>
      <span class="muted"><${M} text=${xp(e.event)} /></span>
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
      <${pi} value=${e.event} />
      <div class="bar">
        ${To()&&u`<${an} class="main-action" run=${()=>t("retry",{id:o})}>Send again<//>
            <${an} class="danger" run=${()=>t("drop",{id:o,destination:i,confirm:i})}>Drop<//>`}
        <button type="button" onClick=${()=>n(e.message_id)}>Journey</button>
      </div>
    </div>
  </details>`}function xp(e){let{event:t,name:n,type:o}=e??{},i=[t,n,o].find(r=>typeof r=="string"&&r!=="");return typeof i=="string"?i:""}var kp=2e3,Sp=1e4;function Va(){let e=ee("/api/destinations",kp),t=ee("/api/sources",Sp),n=zt.value.detail;return u`<div class="top"><h1>Destinations</h1></div>
    <div class="stack">
      <${Se} of=${e}>
        ${({destinations:o})=>{if(o.length===0)return u`<${Tp} />`;let i=o.filter(({name:r})=>!n||r===n);return u`<${Fa} sources=${t.data?.sources??[]} destinations=${o} chosen=${n} />
            <div class="grid">
              ${Pp(i).map(r=>u`<${Da} key=${r.name} of=${r} reload=${e.reload} />`)}
            </div>
            <${Ia} key=${n} destinations=${o} chosen=${n} settled=${e.reload} />`}}
      <//>
    </div>`}var Tp=()=>u`<section class="panel">
    <${ge}
      what="No destination is configured."
      next=${u`Events are kept in the journal. Add a table <code>[destinations.NAME]</code> to the configuration; it is read while the router runs.`}
    />
  </section>`,ja=["held","retrying","throttled","paused","draining","flowing","off"],Pp=e=>[...e].sort((t,n)=>ja.indexOf(t.state)-ja.indexOf(n.state)||t.name.localeCompare(n.name));function Ha(e,t){let n=0;for(let o of e.split(`
`)){if(!o.startsWith(t))continue;let i=o[t.length];if(i!==" "&&i!=="{")continue;let r=o.slice(i==="{"?o.lastIndexOf("}")+1:t.length);n+=Number(r.trim().split(" ")[0])}return n}var Wa=3e3,Cp={ready:["good","Everything is fine."],degraded:["warn","Events are taken and stored; something else needs a look."],not_ready:["bad","Events cannot be stored: senders get 503 and try again."]};function Ua(){let e=ee("/ready",Wa),t=document.querySelector('meta[name="opentrack-version"]')?.content;return u`<div class="top">
      <h1>Health</h1>
      <span class="muted">OpenTrack ${t}</span>
    </div>
    <div class="stack">
      <${Se} of=${e}>
        ${({status:n,checks:o})=>{let[i,r]=Cp[n];return u`<div class=${`notice ${i}`} role="status">
              <div><strong>${n.replace("_"," ")}</strong> ${r}</div>
            </div>
            <${Mp} />
            <${de} title="Checks" flush
              ><ul class="list">
                ${o.map(l=>u`<${Ep} key=${l.name} of=${l} />`)}
              </ul><//
            >`}}
      <//>
      <${de} title="More">
        <p>
          <a href="/metrics">/metrics</a> has every number for Prometheus, <a href="/ready">/ready</a> what is above for
          a load balancer, <a href="/api/openapi.json">/api/openapi.json</a> the description of the interface.
        </p>
      <//>
    </div>`}var Ep=({of:e})=>u`<li class="letter">
    <div class="bar">
      <span class=${e.ok?"chip good":"chip bad"}>${e.ok?"fine":"not fine"}</span>
      <strong><${M} text=${e.name} /></strong><span><${M} text=${Jn(e.message)} /></span>
    </div>
  </li>`;function Mp(){let[e,t]=K();if(nt(()=>{let c=()=>document.hidden||ma("/metrics").then(t,()=>{});c();let d=setInterval(c,Wa);return()=>clearInterval(d)},[]),e===void 0)return null;let n=c=>Ha(e,`opentrack_${c}`),o=n("events_lost_total"),i=n("journal_max_bytes"),r=n("journal_commit_seconds_count"),l=[{name:"Accepted",value:Ae(n("events_accepted_total")),beside:"events since the start"},{name:"Rejected",value:Ae(n("events_rejected_total")),beside:"set aside with a reason"},{name:"Lost",value:Ae(o),beside:o?"see each destination":"none",tone:o?"bad":"good"},{name:"Journal",value:Po(n("journal_bytes")),beside:i?`of ${Po(i)}`:void 0},{name:"Commit",value:r?Co(1e3*n("journal_commit_seconds_sum")/r):"–",beside:"on the average"},{name:"In flight",value:Po(n("http_bytes_in_flight")),beside:`${Ae(n("http_requests_waiting"))} requests wait`}];return u`<${_t} of=${l} />`}var Rp=3e3;function Ro(e,t,n){let[o,i]=K("connecting");return nt(()=>{if(e===null)return;let r,l,c=!1,d=()=>{clearTimeout(l),l=setTimeout(()=>{h()},Rp)},h=async()=>{r?.close(),r=new EventSource(e),r.onopen=()=>i("open"),r.onerror=()=>{c||(i("waiting"),r?.readyState===EventSource.CLOSED&&m())};for(let _ of t)r.addEventListener(_,$=>{let g=Ap($.data);g!==void 0&&n(_,g)});r.addEventListener("bye",d)},m=async()=>{let _=new AbortController,$=await fetch(e,{signal:_.signal}).catch(()=>{});_.abort(),!c&&($?.status===404?i("missing"):d())};return i("connecting"),h(),()=>{c=!0,clearTimeout(l),r?.close()}},[e]),o}function Ap(e){try{return JSON.parse(e)}catch{return}}var Dp="uplot",Lp="u-hz",Op="u-vt",Fp="u-title",Np="u-wrap",zp="u-under",Ip="u-over",jp="u-axis",Xn="u-off",Vp="u-select",Hp="u-cursor-x",Wp="u-cursor-y",Up="u-cursor-pt",Bp="u-legend",Gp="u-live",Kp="u-inline",qp="u-series",Yp="u-marker",Ba="u-label",Jp="u-value",mi="width",hi="height";var Ga="bottom",Ao="left",_s="right",Os="#000",Ka=Os+"0",$s="mousemove",qa="mousedown",bs="mouseup",Ya="mouseenter",Ja="mouseleave",Za="dblclick",Zp="resize",Qp="scroll",Qa="change",cr="dppxchange",Fs="--",Io=typeof window<"u",Ss=Io?document:null,Lo=Io?window:null,Xp=Io?navigator:null,pe,rr;function Ts(){let e=devicePixelRatio;pe!=e&&(pe=e,rr&&Cs(Qa,rr,Ts),rr=matchMedia(`(min-resolution: ${pe-.001}dppx) and (max-resolution: ${pe+.001}dppx)`),eo(Qa,rr,Ts),Lo.dispatchEvent(new CustomEvent(cr)))}function Ct(e,t){if(t!=null){let n=e.classList;!n.contains(t)&&n.add(t)}}function Ps(e,t){let n=e.classList;n.contains(t)&&n.remove(t)}function Te(e,t,n){e.style[t]=n+"px"}function Yt(e,t,n,o){let i=Ss.createElement(e);return t!=null&&Ct(i,t),n?.insertBefore(i,o),i}function It(e,t){return Yt("div",e,t)}var Xa=new WeakMap;function cn(e,t,n,o,i){let r="translate("+t+"px,"+n+"px)",l=Xa.get(e);r!=l&&(e.style.transform=r,Xa.set(e,r),t<0||n<0||t>o||n>i?Ct(e,Xn):Ps(e,Xn))}var ec=new WeakMap;function tc(e,t,n){let o=t+n,i=ec.get(e);o!=i&&(ec.set(e,o),e.style.background=t,e.style.borderColor=n)}var nc=new WeakMap;function oc(e,t,n,o){let i=t+""+n,r=nc.get(e);i!=r&&(nc.set(e,i),e.style.height=n+"px",e.style.width=t+"px",e.style.marginLeft=o?-t/2+"px":0,e.style.marginTop=o?-n/2+"px":0)}var Ns={passive:!0},ef={...Ns,capture:!0};function eo(e,t,n,o){t.addEventListener(e,n,o?ef:Ns)}function Cs(e,t,n,o){t.removeEventListener(e,n,Ns)}Io&&Ts();function Jt(e,t,n,o){let i;n=n||0,o=o||t.length-1;let r=o<=2147483647;for(;o-n>1;)i=r?n+o>>1:Et((n+o)/2),t[i]<e?n=i:o=i;return e-t[n]<=t[o]-e?n:o}function Rc(e){return(n,o,i)=>{let r=-1,l=-1;for(let c=o;c<=i;c++)if(e(n[c])){r=c;break}for(let c=i;c>=o;c--)if(e(n[c])){l=c;break}return[r,l]}}var Ac=e=>e!=null,Dc=e=>e!=null&&e>0,pr=Rc(Ac),tf=Rc(Dc);function nf(e,t,n,o=0,i=!1){let r=i?tf:pr,l=i?Dc:Ac;[t,n]=r(e,t,n);let c=e[t],d=e[t];if(t>-1)if(o==1)c=e[t],d=e[n];else if(o==-1)c=e[n],d=e[t];else for(let h=t;h<=n;h++){let m=e[h];l(m)&&(m<c?c=m:m>d&&(d=m))}return[c??$e,d??-$e]}function fr(e,t,n,o){let i=sc(e),r=sc(t);e==t&&(i==-1?(e*=n,t/=n):(e/=n,t*=n));let l=n==10?hn:Lc,c=i==1?Et:jt,d=r==1?jt:Et,h=c(l(Ge(e))),m=d(l(Ge(t))),_=Oo(n,h),$=Oo(n,m);return n==10&&(h<0&&(_=be(_,-h)),m<0&&($=be($,-m))),o||n==2?(e=_*i,t=$*r):(e=zc(e,_),t=mr(t,$)),[e,t]}function zs(e,t,n,o){let i=fr(e,t,n,o);return e==0&&(i[0]=0),t==0&&(i[1]=0),i}var Is=.1,ic={mode:3,pad:Is},vi={pad:0,soft:null,mode:0},of={min:vi,max:vi};function ur(e,t,n,o){return hr(n)?rc(e,t,n):(vi.pad=n,vi.soft=o?0:null,vi.mode=o?3:0,rc(e,t,of))}function ce(e,t){return e??t}function rf(e,t,n){for(t=ce(t,0),n=ce(n,e.length-1);t<=n;){if(e[t]!=null)return!0;t++}return!1}function rc(e,t,n){let o=n.min,i=n.max,r=ce(o.pad,0),l=ce(i.pad,0),c=ce(o.hard,-$e),d=ce(i.hard,$e),h=ce(o.soft,$e),m=ce(i.soft,-$e),_=ce(o.mode,0),$=ce(i.mode,0),g=t-e,x=hn(g),E=mt(Ge(e),Ge(t)),P=hn(E),A=Ge(P-x);(g<1e-24||A>10)&&(g=0,(e==0||t==0)&&(g=1e-24,_==2&&h!=$e&&(r=0),$==2&&m!=-$e&&(l=0)));let y=g||E||1e3,R=hn(y),k=Oo(10,Et(R)),q=y*(g==0?e==0?.1:1:r),N=be(zc(e-q,k/10),24),Q=e>=h&&(_==1||_==3&&N<=h||_==2&&N>=h)?h:$e,U=mt(c,N<Q&&e>=Q?Q:Zt(Q,N)),te=y*(g==0?t==0?.1:1:l),W=be(mr(t+te,k/10),24),C=t<=m&&($==1||$==3&&W>=m||$==2&&W<=m)?m:-$e,B=Zt(d,W>C&&t<=C?C:mt(C,W));return U==B&&U==0&&(B=100),[U,B]}var sf=new Intl.NumberFormat(Io?Xp.language:"en-US"),js=e=>sf.format(e),Mt=Math,ar=Mt.PI,Ge=Mt.abs,Et=Mt.floor,Be=Mt.round,jt=Mt.ceil,Zt=Mt.min,mt=Mt.max,Oo=Mt.pow,sc=Mt.sign,hn=Mt.log10,Lc=Mt.log2,lf=(e,t=1)=>Mt.sinh(e)*t,ys=(e,t=1)=>Mt.asinh(e/t),$e=1/0;function lc(e){return(hn((e^e>>31)-(e>>31))|0)+1}function Es(e,t,n){return Zt(mt(e,t),n)}function Oc(e){return typeof e=="function"}function ie(e){return Oc(e)?e:()=>e}var af=()=>{},Fc=e=>e,Nc=(e,t)=>t,cf=e=>null,ac=e=>!0,cc=(e,t)=>e==t,uf=/\.\d*?(?=9{6,}|0{6,})/gm,to=e=>{if(jc(e)||Mn.has(e))return e;let t=`${e}`,n=t.match(uf);if(n==null)return e;let o=n[0].length-1;if(t.indexOf("e-")!=-1){let[i,r]=t.split("e");return+`${to(i)}e${r}`}return be(e,o)};function Zn(e,t){return to(be(to(e/t))*t)}function mr(e,t){return to(jt(to(e/t))*t)}function zc(e,t){return to(Et(to(e/t))*t)}function be(e,t=0){if(jc(e))return e;let n=10**t,o=e*n*(1+Number.EPSILON);return Be(o)/n}var Mn=new Map;function Ic(e){return((""+e).split(".")[1]||"").length}function $i(e,t,n,o){let i=[],r=o.map(Ic);for(let l=t;l<n;l++){let c=Ge(l),d=be(Oo(e,l),c);for(let h=0;h<o.length;h++){let m=e==10?+`${o[h]}e${l}`:o[h]*d,_=(l>=0?0:c)+(l>=r[h]?0:r[h]),$=e==10?m:be(m,_);i.push($),Mn.set($,_)}}return i}var _i={},Vs=[],Fo=[null,null],En=Array.isArray,jc=Number.isInteger,df=e=>e===void 0;function uc(e){return typeof e=="string"}function hr(e){let t=!1;if(e!=null){let n=e.constructor;t=n==null||n==Object}return t}function pf(e){return e!=null&&typeof e=="object"}var ff=Object.getPrototypeOf(Uint8Array),Vc="__proto__";function No(e,t=hr){let n;if(En(e)){let o=e.find(i=>i!=null);if(En(o)||t(o)){n=Array(e.length);for(let i=0;i<e.length;i++)n[i]=No(e[i],t)}else n=e.slice()}else if(e instanceof ff)n=e.slice();else if(t(e)){n={};for(let o in e)o!=Vc&&(n[o]=No(e[o],t))}else n=e;return n}function ze(e){let t=arguments;for(let n=1;n<t.length;n++){let o=t[n];for(let i in o)i!=Vc&&(hr(e[i])?ze(e[i],No(o[i])):e[i]=No(o[i]))}return e}var mf=0,hf=1,gf=2;function vf(e,t,n){for(let o=0,i,r=-1;o<t.length;o++){let l=t[o];if(l>r){for(i=l-1;i>=0&&e[i]==null;)e[i--]=null;for(i=l+1;i<n&&e[i]==null;)e[r=i++]=null}}}function _f(e,t){if(yf(e)){let l=e[0].slice();for(let c=1;c<e.length;c++)l.push(...e[c].slice(1));return wf(l[0])||(l=bf(l)),l}let n=new Set;for(let l=0;l<e.length;l++){let d=e[l][0],h=d.length;for(let m=0;m<h;m++)n.add(d[m])}let o=[Array.from(n).sort((l,c)=>l-c)],i=o[0].length,r=new Map;for(let l=0;l<i;l++)r.set(o[0][l],l);for(let l=0;l<e.length;l++){let c=e[l],d=c[0];for(let h=1;h<c.length;h++){let m=c[h],_=Array(i).fill(void 0),$=t?t[l][h]:hf,g=[];for(let x=0;x<m.length;x++){let E=m[x],P=r.get(d[x]);E===null?$!=mf&&(_[P]=E,$==gf&&g.push(P)):_[P]=E}vf(_,g,i),o.push(_)}}return o}var $f=typeof queueMicrotask>"u"?e=>Promise.resolve().then(e):queueMicrotask;function bf(e){let t=e[0],n=t.length,o=Array(n);for(let r=0;r<o.length;r++)o[r]=r;o.sort((r,l)=>t[r]-t[l]);let i=[];for(let r=0;r<e.length;r++){let l=e[r],c=Array(n);for(let d=0;d<n;d++)c[d]=l[o[d]];i.push(c)}return i}function yf(e){let t=e[0][0],n=t.length;for(let o=1;o<e.length;o++){let i=e[o][0];if(i.length!=n)return!1;if(i!=t){for(let r=0;r<n;r++)if(i[r]!=t[r])return!1}}return!0}function wf(e,t=100){let n=e.length;if(n<=1)return!0;let o=0,i=n-1;for(;o<=i&&e[o]==null;)o++;for(;i>=o&&e[i]==null;)i--;if(i<=o)return!0;let r=mt(1,Et((i-o+1)/t));for(let l=e[o],c=o+r;c<=i;c+=r){let d=e[c];if(d!=null){if(d<=l)return!1;l=d}}return!0}var Hc=["January","February","March","April","May","June","July","August","September","October","November","December"],Wc=["Sunday","Monday","Tuesday","Wednesday","Thursday","Friday","Saturday"];function Uc(e){return e.slice(0,3)}var xf=Wc.map(Uc),kf=Hc.map(Uc),Sf={MMMM:Hc,MMM:kf,WWWW:Wc,WWW:xf};function fi(e){return(e<10?"0":"")+e}function Tf(e){return(e<10?"00":e<100?"0":"")+e}var Pf={YYYY:e=>e.getFullYear(),YY:e=>(e.getFullYear()+"").slice(2),MMMM:(e,t)=>t.MMMM[e.getMonth()],MMM:(e,t)=>t.MMM[e.getMonth()],MM:e=>fi(e.getMonth()+1),M:e=>e.getMonth()+1,DD:e=>fi(e.getDate()),D:e=>e.getDate(),WWWW:(e,t)=>t.WWWW[e.getDay()],WWW:(e,t)=>t.WWW[e.getDay()],HH:e=>fi(e.getHours()),H:e=>e.getHours(),h:e=>{let t=e.getHours();return t==0?12:t>12?t-12:t},AA:e=>e.getHours()>=12?"PM":"AM",aa:e=>e.getHours()>=12?"pm":"am",a:e=>e.getHours()>=12?"p":"a",mm:e=>fi(e.getMinutes()),m:e=>e.getMinutes(),ss:e=>fi(e.getSeconds()),s:e=>e.getSeconds(),fff:e=>Tf(e.getMilliseconds())};function Hs(e,t){t=t||Sf;let n=[],o=/\{([a-z]+)\}|[^{]+/gi,i;for(;i=o.exec(e);)n.push(i[0][0]=="{"?Pf[i[1]]:i[0]);return r=>{let l="";for(let c=0;c<n.length;c++)l+=typeof n[c]=="string"?n[c]:n[c](r,t);return l}}var Cf=new Intl.DateTimeFormat().resolvedOptions().timeZone;function Ef(e,t){let n;return t=="UTC"||t=="Etc/UTC"?n=new Date(+e+e.getTimezoneOffset()*6e4):t==Cf?n=e:(n=new Date(e.toLocaleString("en-US",{timeZone:t})),n.setMilliseconds(e.getMilliseconds())),n}var Bc=e=>e%1==0,dr=[1,2,2.5,5],Mf=$i(10,-32,0,dr),Gc=$i(10,0,32,dr),Rf=Gc.filter(Bc),Qn=Mf.concat(Gc),Ws=`
`,Kc="{YYYY}",dc=Ws+Kc,qc="{M}/{D}",gi=Ws+qc,sr=gi+"/{YY}",Yc="{aa}",Af="{h}:{mm}",Do=Af+Yc,pc=Ws+Do,fc=":{ss}",he=null;function Jc(e){let t=e*1e3,n=t*60,o=n*60,i=o*24,r=i*30,l=i*365,d=(e==1?$i(10,0,3,dr).filter(Bc):$i(10,-3,0,dr)).concat([t,t*5,t*10,t*15,t*30,n,n*5,n*10,n*15,n*30,o,o*2,o*3,o*4,o*6,o*8,o*12,i,i*2,i*3,i*4,i*5,i*6,i*7,i*8,i*9,i*10,i*15,r,r*2,r*3,r*4,r*6,l,l*2,l*5,l*10,l*25,l*50,l*100]),h=[[l,Kc,he,he,he,he,he,he,1],[i*28,"{MMM}",dc,he,he,he,he,he,1],[i,qc,dc,he,he,he,he,he,1],[o,"{h}"+Yc,sr,he,gi,he,he,he,1],[n,Do,sr,he,gi,he,he,he,1],[t,fc,sr+" "+Do,he,gi+" "+Do,he,pc,he,1],[e,fc+".{fff}",sr+" "+Do,he,gi+" "+Do,he,pc,he,1]];function m(_){return($,g,x,E,P,A)=>{let y=[],R=P>=l,k=P>=r&&P<l,q=_(x),N=be(q*e,3),Q=ws(q.getFullYear(),R?0:q.getMonth(),k||R?1:q.getDate()),U=be(Q*e,3);if(k||R){let te=k?P/r:0,W=R?P/l:0,C=N==U?N:be(ws(Q.getFullYear()+W,Q.getMonth()+te,1)*e,3),B=new Date(Be(C/e)),L=B.getFullYear(),Y=B.getMonth();for(let H=0;C<=E;H++){let re=ws(L+W*H,Y+te*H,1),V=re-_(be(re*e,3));C=be((+re+V)*e,3),C<=E&&y.push(C)}}else{let te=P>=i?i:P,W=Et(x)-Et(N),C=U+W+mr(N-U,te);y.push(C);let B=_(C),L=B.getHours()+B.getMinutes()/n+B.getSeconds()/o,Y=P/o,H=$.axes[g]._space,re=A/H;for(;C=be(C+P,e==1?0:3),!(C>E);)if(Y>1){let V=Et(be(L+Y,6))%24,le=_(C).getHours()-V;le>1&&(le=-1),C-=le*o,L=(L+Y)%24;let ve=y[y.length-1];be((C-ve)/P,3)*re>=.7&&y.push(C)}else y.push(C)}return y}}return[d,h,m]}var[Df,Lf,Of]=Jc(1),[Ff,Nf,zf]=Jc(.001);$i(2,-53,53,[1]);function mc(e,t){return e.map(n=>n.map((o,i)=>i==0||i==8||o==null?o:t(i==1||n[8]==0?o:n[1]+o)))}function hc(e,t){return(n,o,i,r,l)=>{let c=t.find(x=>l>=x[0])||t[t.length-1],d,h,m,_,$,g;return o.map(x=>{let E=e(x),P=E.getFullYear(),A=E.getMonth(),y=E.getDate(),R=E.getHours(),k=E.getMinutes(),q=E.getSeconds(),N=P!=d&&c[2]||A!=h&&c[3]||y!=m&&c[4]||R!=_&&c[5]||k!=$&&c[6]||q!=g&&c[7]||c[1];return d=P,h=A,m=y,_=R,$=k,g=q,N(E)})}}function If(e,t){let n=Hs(t);return(o,i,r,l,c)=>i.map(d=>n(e(d)))}function ws(e,t,n){return new Date(e,t,n)}function gc(e,t){return t(e)}var jf="{YYYY}-{MM}-{DD} {h}:{mm}{aa}";function vc(e,t){return(n,o,i,r)=>r==null?Fs:t(e(o))}function Vf(e,t){let n=e.series[t];return n.width?n.stroke(e,t):n.points.width?n.points.stroke(e,t):null}function Hf(e,t){return e.series[t].fill(e,t)}var Wf={show:!0,live:!0,isolate:!1,mount:af,markers:{show:!0,width:2,stroke:Vf,fill:Hf,dash:"solid"},idx:null,idxs:null,values:[]};function Uf(e,t){let n=e.cursor.points,o=It(),i=n.size(e,t);Te(o,mi,i),Te(o,hi,i);let r=i/-2;Te(o,"marginLeft",r),Te(o,"marginTop",r);let l=n.width(e,t,i);return l&&Te(o,"borderWidth",l),o}function Bf(e,t){let n=e.series[t].points;return n._fill||n._stroke}function Gf(e,t){let n=e.series[t].points;return n._stroke||n._fill}function Kf(e,t){return e.series[t].points.size}var xs=[0,0];function qf(e,t,n){return xs[0]=t,xs[1]=n,xs}function lr(e,t,n,o=!0){return i=>{i.button==0&&(!o||i.target==t)&&n(i)}}function ks(e,t,n,o=!0){return i=>{(!o||i.target==t)&&n(i)}}var Yf={show:!0,x:!0,y:!0,lock:!1,move:qf,points:{one:!1,show:Uf,size:Kf,width:0,stroke:Gf,fill:Bf},bind:{mousedown:lr,mouseup:lr,click:lr,dblclick:lr,mousemove:ks,mouseleave:ks,mouseenter:ks},drag:{setScale:!0,x:!0,y:!1,dist:0,uni:null,click:(e,t)=>{t.stopPropagation(),t.stopImmediatePropagation()},_x:!1,_y:!1},focus:{dist:(e,t,n,o,i)=>o-i,prox:-1,bias:0},hover:{skip:[void 0],prox:null,bias:0},left:-10,top:-10,idx:null,dataIdx:null,idxs:null,event:null},Zc={show:!0,stroke:"rgba(0,0,0,0.07)",width:2},Us=ze({},Zc,{filter:Nc}),Qc=ze({},Us,{size:10}),Xc=ze({},Zc,{show:!1}),Bs='12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", sans-serif, "Apple Color Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Noto Color Emoji"',eu="bold "+Bs,tu=1.5,_c={show:!0,scale:"x",stroke:Os,space:50,gap:5,alignTo:1,size:50,labelGap:0,labelSize:30,labelFont:eu,side:2,grid:Us,ticks:Qc,border:Xc,font:Bs,lineGap:tu,rotate:0},Jf="Value",Zf="Time",$c={show:!0,scale:"x",auto:!1,sorted:1,min:$e,max:-$e,idxs:[]};function Qf(e,t,n,o,i){return t.map(r=>r==null?"":js(r))}function Xf(e,t,n,o,i,r,l){let c=[],d=Mn.get(i)||0;n=l?n:be(mr(n,i),d);for(let h=n;h<=o;h=be(h+i,d))c.push(Object.is(h,-0)?0:h);return c}function Ms(e,t,n,o,i,r,l){let c=[],d=e.scales[e.axes[t].scale].log,h=d==10?hn:Lc,m=Et(h(n));i=Oo(d,m),d==10&&(i=Qn[Jt(i,Qn)]);let _=n,$=i*d;d==10&&($=Qn[Jt($,Qn)]);do c.push(_),_=_+i,d==10&&!Mn.has(_)&&(_=be(_,Mn.get(i))),_>=$&&(i=_,$=i*d,d==10&&($=Qn[Jt($,Qn)]));while(_<=o);return c}function em(e,t,n,o,i,r,l){let d=e.scales[e.axes[t].scale].asinh,h=o>d?Ms(e,t,mt(d,n),o,i):[d],m=o>=0&&n<=0?[0]:[];return(n<-d?Ms(e,t,mt(d,-o),-n,i):[d]).reverse().map($=>-$).concat(m,h)}var nu=/./,tm=/[12357]/,nm=/[125]/,bc=/1/,Rs=(e,t,n,o)=>e.map((i,r)=>t==4&&i==0||r%o==0&&n.test(i.toExponential()[i<0?1:0])?i:null);function om(e,t,n,o,i){let r=e.axes[n],l=r.scale,c=e.scales[l],d=e.valToPos,h=r._space,m=d(10,l),_=d(9,l)-m>=h?nu:d(7,l)-m>=h?tm:d(5,l)-m>=h?nm:bc;if(_==bc){let $=Ge(d(1,l)-m);if($<h)return Rs(t.slice().reverse(),c.distr,_,jt(h/$)).reverse()}return Rs(t,c.distr,_,1)}function im(e,t,n,o,i){let r=e.axes[n],l=r.scale,c=r._space,d=e.valToPos,h=Ge(d(1,l)-d(2,l));return h<c?Rs(t.slice().reverse(),3,nu,jt(c/h)).reverse():t}function rm(e,t,n,o){return o==null?Fs:t==null?"":js(t)}var yc={show:!0,scale:"y",stroke:Os,space:30,gap:5,alignTo:1,size:50,labelGap:0,labelSize:30,labelFont:eu,side:3,grid:Us,ticks:Qc,border:Xc,font:Bs,lineGap:tu,rotate:0};function sm(e,t){let n=3+(e||1)*2;return be(n*t,3)}function lm(e,t){let{scale:n,idxs:o}=e.series[0],i=e._data[0],r=e.valToPos(i[o[0]],n,!0),l=e.valToPos(i[o[1]],n,!0),c=Ge(l-r),d=e.series[t],h=c/(d.points.space*pe);return o[1]-o[0]<=h}var wc={scale:null,auto:!0,sorted:0,min:$e,max:-$e},ou=(e,t,n,o,i)=>i,xc={show:!0,auto:!0,sorted:0,gaps:ou,alpha:1,facets:[ze({},wc,{scale:"x"}),ze({},wc,{scale:"y"})]},kc={scale:"y",auto:!0,sorted:0,show:!0,spanGaps:!1,gaps:ou,alpha:1,points:{show:lm,filter:null},values:null,min:$e,max:-$e,idxs:[],path:null,clip:null};function am(e,t,n,o,i){return n/10}var iu={time:!0,auto:!0,distr:1,log:10,asinh:1,min:null,max:null,dir:1,ori:0},cm=ze({},iu,{time:!1,ori:1}),Sc={};function ru(e,t){let n=Sc[e];return n||(n={key:e,plots:[],sub(o){n.plots.push(o)},unsub(o){n.plots=n.plots.filter(i=>i!=o)},pub(o,i,r,l,c,d,h){for(let m=0;m<n.plots.length;m++)n.plots[m]!=i&&n.plots[m].pub(o,i,r,l,c,d,h)}},e!=null&&(Sc[e]=n)),n}var zo=1,As=2;function no(e,t,n){let o=e.mode,i=e.series[t],r=o==2?e._data[t]:e._data,l=e.scales,c=e.bbox,d=r[0],h=o==2?r[1]:r[t],m=o==2?l[i.facets[0].scale]:l[e.series[0].scale],_=o==2?l[i.facets[1].scale]:l[i.scale],$=c.left,g=c.top,x=c.width,E=c.height,P=e.valToPosH,A=e.valToPosV;return m.ori==0?n(i,d,h,m,_,P,A,$,g,x,E,vr,jo,$r,lu,cu):n(i,d,h,m,_,A,P,g,$,E,x,_r,Vo,qs,au,uu)}function Gs(e,t){let n=0,o=0,i=ce(e.bands,Vs);for(let r=0;r<i.length;r++){let l=i[r];l.series[0]==t?n=l.dir:l.series[1]==t&&(l.dir==1?o|=1:o|=2)}return[n,o==1?-1:o==2?1:o==3?2:0]}function um(e,t,n,o,i){let r=e.mode,l=e.series[t],c=r==2?l.facets[1].scale:l.scale,d=e.scales[c];return i==-1?d.min:i==1?d.max:d.distr==3?d.dir==1?d.min:d.max:0}function gn(e,t,n,o,i,r){return no(e,t,(l,c,d,h,m,_,$,g,x,E,P)=>{let A=l.pxRound,y=h.dir*(h.ori==0?1:-1),R=h.ori==0?jo:Vo,k,q;y==1?(k=n,q=o):(k=o,q=n);let N=A(_(c[k],h,E,g)),Q=A($(d[k],m,P,x)),U=A(_(c[q],h,E,g)),te=A($(r==1?m.max:m.min,m,P,x)),W=new Path2D(i);return R(W,U,te),R(W,N,te),R(W,N,Q),W})}function gr(e,t,n,o,i,r){let l=null;if(e.length>0){l=new Path2D;let c=t==0?$r:qs,d=n;for(let _=0;_<e.length;_++){let $=e[_];if($[1]>$[0]){let g=$[0]-d;g>0&&c(l,d,o,g,o+r),d=$[1]}}let h=n+i-d,m=10;h>0&&c(l,d,o-m/2,h,o+r+m)}return l}function dm(e,t,n){let o=e[e.length-1];o&&o[0]==t?o[1]=n:e.push([t,n])}function Ks(e,t,n,o,i,r,l){let c=[],d=e.length;for(let h=i==1?n:o;h>=n&&h<=o;h+=i)if(t[h]===null){let _=h,$=h;if(i==1)for(;++h<=o&&t[h]===null;)$=h;else for(;--h>=n&&t[h]===null;)$=h;let g=r(e[_]),x=$==_?g:r(e[$]),E=_-i;g=l<=0&&E>=0&&E<d?r(e[E]):g;let A=$+i;x=l>=0&&A>=0&&A<d?r(e[A]):x,x>=g&&c.push([g,x])}return c}function Tc(e){return e==0?Fc:e==1?Be:t=>Zn(t,e)}function su(e){let t=e==0?vr:_r,n=e==0?(i,r,l,c,d,h)=>{i.arcTo(r,l,c,d,h)}:(i,r,l,c,d,h)=>{i.arcTo(l,r,d,c,h)},o=e==0?(i,r,l,c,d)=>{i.rect(r,l,c,d)}:(i,r,l,c,d)=>{i.rect(l,r,d,c)};return(i,r,l,c,d,h=0,m=0)=>{h==0&&m==0?o(i,r,l,c,d):(h=Zt(h,c/2,d/2),m=Zt(m,c/2,d/2),t(i,r+h,l),n(i,r+c,l,r+c,l+d,h),n(i,r+c,l+d,r,l+d,m),n(i,r,l+d,r,l,m),n(i,r,l,r+c,l,h),i.closePath())}}var vr=(e,t,n)=>{e.moveTo(t,n)},_r=(e,t,n)=>{e.moveTo(n,t)},jo=(e,t,n)=>{e.lineTo(t,n)},Vo=(e,t,n)=>{e.lineTo(n,t)},$r=su(0),qs=su(1),lu=(e,t,n,o,i,r)=>{e.arc(t,n,o,i,r)},au=(e,t,n,o,i,r)=>{e.arc(n,t,o,i,r)},cu=(e,t,n,o,i,r,l)=>{e.bezierCurveTo(t,n,o,i,r,l)},uu=(e,t,n,o,i,r,l)=>{e.bezierCurveTo(n,t,i,o,l,r)};function du(e){return(t,n,o,i,r)=>no(t,n,(l,c,d,h,m,_,$,g,x,E,P)=>{let{pxRound:A,points:y}=l,R,k;h.ori==0?(R=vr,k=lu):(R=_r,k=au);let q=be(y.width*pe,3),N=(y.size-y.width)/2*pe,Q=be(N*2,3),U=new Path2D,te=new Path2D,{left:W,top:C,width:B,height:L}=t.bbox;$r(te,W-Q,C-Q,B+Q*2,L+Q*2);let Y=H=>{if(d[H]!=null){let re=A(_(c[H],h,E,g)),V=A($(d[H],m,P,x));R(U,re+N,V),k(U,re,V,N,0,ar*2)}};if(r)r.forEach(Y);else for(let H=o;H<=i;H++)Y(H);return{stroke:q>0?U:null,fill:U,clip:te,flags:zo|As}})}function pu(e){return(t,n,o,i,r,l)=>{o!=i&&(r!=o&&l!=o&&e(t,n,o),r!=i&&l!=i&&e(t,n,i),e(t,n,l))}}var pm=pu(jo),fm=pu(Vo);function fu(e){let t=ce(e?.alignGaps,0);return(n,o,i,r)=>no(n,o,(l,c,d,h,m,_,$,g,x,E,P)=>{[i,r]=pr(d,i,r);let A=l.pxRound,y=L=>A(_(L,h,E,g)),R=L=>A($(L,m,P,x)),k,q;h.ori==0?(k=jo,q=pm):(k=Vo,q=fm);let N=h.dir*(h.ori==0?1:-1),Q={stroke:new Path2D,fill:null,clip:null,band:null,gaps:null,flags:zo},U=Q.stroke,te=!1;if(r-i>=E*4){let L=I=>n.posToVal(I,h.key,!0),Y=null,H=null,re,V,ht,Pe=y(c[N==1?i:r]),le=y(c[i]),ve=y(c[r]),ne=L(N==1?le+1:ve-1);for(let I=N==1?i:r;I>=i&&I<=r;I+=N){let Ie=c[I],Ce=(N==1?Ie<ne:Ie>ne)?Pe:y(Ie),fe=d[I];Ce==Pe?fe!=null?(V=fe,Y==null?(k(U,Ce,R(V)),re=Y=H=V):V<Y?Y=V:V>H&&(H=V)):fe===null&&(te=!0):(Y!=null&&q(U,Pe,R(Y),R(H),R(re),R(V)),fe!=null?(V=fe,k(U,Ce,R(V)),Y=H=re=V):(Y=H=null,fe===null&&(te=!0)),Pe=Ce,ne=L(Pe+N))}Y!=null&&Y!=H&&ht!=Pe&&q(U,Pe,R(Y),R(H),R(re),R(V))}else for(let L=N==1?i:r;L>=i&&L<=r;L+=N){let Y=d[L];Y===null?te=!0:Y!=null&&k(U,y(c[L]),R(Y))}let[C,B]=Gs(n,o);if(l.fill!=null||C!=0){let L=Q.fill=new Path2D(U),Y=l.fillTo(n,o,l.min,l.max,C),H=R(Y),re=y(c[i]),V=y(c[r]);N==-1&&([V,re]=[re,V]),k(L,V,H),k(L,re,H)}if(!l.spanGaps){let L=[];te&&L.push(...Ks(c,d,i,r,N,y,t)),Q.gaps=L=l.gaps(n,o,i,r,L),Q.clip=gr(L,h.ori,g,x,E,P)}return B!=0&&(Q.band=B==2?[gn(n,o,i,r,U,-1),gn(n,o,i,r,U,1)]:gn(n,o,i,r,U,B)),Q})}function mm(e){let t=ce(e.align,1),n=ce(e.ascDesc,!1),o=ce(e.alignGaps,0),i=ce(e.extend,!1);return(r,l,c,d)=>no(r,l,(h,m,_,$,g,x,E,P,A,y,R)=>{[c,d]=pr(_,c,d);let k=h.pxRound,{left:q,width:N}=r.bbox,Q=le=>k(x(le,$,y,P)),U=le=>k(E(le,g,R,A)),te=$.ori==0?jo:Vo,W={stroke:new Path2D,fill:null,clip:null,band:null,gaps:null,flags:zo},C=W.stroke,B=$.dir*($.ori==0?1:-1),L=U(_[B==1?c:d]),Y=Q(m[B==1?c:d]),H=Y,re=Y;i&&t==-1&&(re=q,te(C,re,L)),te(C,Y,L);for(let le=B==1?c:d;le>=c&&le<=d;le+=B){let ve=_[le];if(ve==null)continue;let ne=Q(m[le]),I=U(ve);t==1?te(C,ne,L):te(C,H,I),te(C,ne,I),L=I,H=ne}let V=H;i&&t==1&&(V=q+N,te(C,V,L));let[ht,Pe]=Gs(r,l);if(h.fill!=null||ht!=0){let le=W.fill=new Path2D(C),ve=h.fillTo(r,l,h.min,h.max,ht),ne=U(ve);te(le,V,ne),te(le,re,ne)}if(!h.spanGaps){let le=[];le.push(...Ks(m,_,c,d,B,Q,o));let ve=h.width*pe/2,ne=n||t==1?ve:-ve,I=n||t==-1?-ve:ve;le.forEach(Ie=>{Ie[0]+=ne,Ie[1]+=I}),W.gaps=le=h.gaps(r,l,c,d,le),W.clip=gr(le,$.ori,P,A,y,R)}return Pe!=0&&(W.band=Pe==2?[gn(r,l,c,d,C,-1),gn(r,l,c,d,C,1)]:gn(r,l,c,d,C,Pe)),W})}function Pc(e,t,n,o,i,r,l=$e){if(e.length>1){let c=null;for(let d=0,h=1/0;d<e.length;d++)if(t[d]!==void 0){if(c!=null){let m=Ge(e[d]-e[c]);m<h&&(h=m,l=Ge(n(e[d],o,i,r)-n(e[c],o,i,r)))}c=d}}return l}function hm(e){e=e||_i;let t=ce(e.size,[.6,$e,1]),n=e.align||0,o=e.gap||0,i=e.radius;i=i==null?[0,0]:typeof i=="number"?[i,0]:i;let r=ie(i),l=1-t[0],c=ce(t[1],$e),d=ce(t[2],1),h=ce(e.disp,_i),m=ce(e.each,g=>{}),{fill:_,stroke:$}=h;return(g,x,E,P)=>no(g,x,(A,y,R,k,q,N,Q,U,te,W,C)=>{let B=A.pxRound,L=n,Y=o*pe,H=c*pe,re=d*pe,V,ht;k.ori==0?[V,ht]=r(g,x):[ht,V]=r(g,x);let Pe=k.dir*(k.ori==0?1:-1),le=k.ori==0?$r:qs,ve=k.ori==0?m:(F,ye,je,lo,Dn,Xt,Ln)=>{m(F,ye,je,Dn,lo,Ln,Xt)},ne=ce(g.bands,Vs).find(F=>F.series[0]==x),I=ne!=null?ne.dir:0,Ie=A.fillTo(g,x,A.min,A.max,I),lt=B(Q(Ie,q,C,te)),Ce,fe,Vt,$t=W,Re=B(A.width*pe),Qt=!1,un=null,Rt=null,vn=null,io=null;_!=null&&(Re==0||$!=null)&&(Qt=!0,un=_.values(g,x,E,P),Rt=new Map,new Set(un).forEach(F=>{F!=null&&Rt.set(F,new Path2D)}),Re>0&&(vn=$.values(g,x,E,P),io=new Map,new Set(vn).forEach(F=>{F!=null&&io.set(F,new Path2D)})));let{x0:ro,size:Ho}=h;if(ro!=null&&Ho!=null){L=1,y=ro.values(g,x,E,P),ro.unit==2&&(y=y.map(je=>g.posToVal(U+je*W,k.key,!0)));let F=Ho.values(g,x,E,P);Ho.unit==2?fe=F[0]*W:fe=N(F[0],k,W,U)-N(0,k,W,U),$t=Pc(y,R,N,k,W,U,$t),Vt=$t-fe+Y}else $t=Pc(y,R,N,k,W,U,$t),Vt=$t*l+Y,fe=$t-Vt;Vt<1&&(Vt=0),Re>=fe/2&&(Re=0),Vt<5&&(B=Fc);let yi=Vt>0,Rn=$t-Vt-(yi?Re:0);fe=B(Es(Rn,re,H)),Ce=(L==0?fe/2:L==Pe?0:fe)-L*Pe*((L==0?Y/2:0)+(yi?Re/2:0));let at={stroke:null,fill:null,clip:null,band:null,gaps:null,flags:0},so=Qt?null:new Path2D,dn=null;if(ne!=null)dn=g.data[ne.series[1]];else{let{y0:F,y1:ye}=h;F!=null&&ye!=null&&(R=ye.values(g,x,E,P),dn=F.values(g,x,E,P))}let An=V*fe,X=ht*fe;for(let F=Pe==1?E:P;F>=E&&F<=P;F+=Pe){let ye=R[F];if(ye==null)continue;if(dn!=null){let gt=dn[F]??0;if(ye-gt==0)continue;lt=Q(gt,q,C,te)}let je=k.distr!=2||h!=null?y[F]:F,lo=N(je,k,W,U),Dn=Q(ce(ye,Ie),q,C,te),Xt=B(lo-Ce),Ln=B(mt(Dn,lt)),bt=B(Zt(Dn,lt)),At=Ln-bt;if(ye!=null){let gt=ye<0?X:An,Ht=ye<0?An:X;Qt?(Re>0&&vn[F]!=null&&le(io.get(vn[F]),Xt,bt+Et(Re/2),fe,mt(0,At-Re),gt,Ht),un[F]!=null&&le(Rt.get(un[F]),Xt,bt+Et(Re/2),fe,mt(0,At-Re),gt,Ht)):le(so,Xt,bt+Et(Re/2),fe,mt(0,At-Re),gt,Ht),ve(g,x,F,Xt-Re/2,bt,fe+Re,At)}}return Re>0?at.stroke=Qt?io:so:Qt||(at._fill=A.width==0?A._fill:A._stroke??A._fill,at.width=0),at.fill=Qt?Rt:so,at})}function gm(e,t){let n=ce(t?.alignGaps,0);return(o,i,r,l)=>no(o,i,(c,d,h,m,_,$,g,x,E,P,A)=>{[r,l]=pr(h,r,l);let y=c.pxRound,R=V=>y($(V,m,P,x)),k=V=>y(g(V,_,A,E)),q,N,Q;m.ori==0?(q=vr,Q=jo,N=cu):(q=_r,Q=Vo,N=uu);let U=m.dir*(m.ori==0?1:-1),te=R(d[U==1?r:l]),W=te,C=[],B=[];for(let V=U==1?r:l;V>=r&&V<=l;V+=U)if(h[V]!=null){let Pe=d[V],le=R(Pe);C.push(W=le),B.push(k(h[V]))}let L={stroke:e(C,B,q,Q,N,y),fill:null,clip:null,band:null,gaps:null,flags:zo},Y=L.stroke,[H,re]=Gs(o,i);if(c.fill!=null||H!=0){let V=L.fill=new Path2D(Y),ht=c.fillTo(o,i,c.min,c.max,H),Pe=k(ht);Q(V,W,Pe),Q(V,te,Pe)}if(!c.spanGaps){let V=[];V.push(...Ks(d,h,r,l,U,R,n)),L.gaps=V=c.gaps(o,i,r,l,V),L.clip=gr(V,m.ori,x,E,P,A)}return re!=0&&(L.band=re==2?[gn(o,i,r,l,Y,-1),gn(o,i,r,l,Y,1)]:gn(o,i,r,l,Y,re)),L})}function vm(e){return gm(_m,e)}function _m(e,t,n,o,i,r){let l=e.length;if(l<2)return null;let c=new Path2D;if(n(c,e[0],t[0]),l==2)o(c,e[1],t[1]);else{let d=Array(l),h=Array(l-1),m=Array(l-1),_=Array(l-1);for(let $=0;$<l-1;$++)m[$]=t[$+1]-t[$],_[$]=e[$+1]-e[$],h[$]=m[$]/_[$];d[0]=h[0];for(let $=1;$<l-1;$++)h[$]===0||h[$-1]===0||h[$-1]>0!=h[$]>0?d[$]=0:(d[$]=3*(_[$-1]+_[$])/((2*_[$]+_[$-1])/h[$-1]+(_[$]+2*_[$-1])/h[$]),isFinite(d[$])||(d[$]=0));d[l-1]=h[l-2];for(let $=0;$<l-1;$++)i(c,e[$]+_[$]/3,t[$]+d[$]*_[$]/3,e[$+1]-_[$]/3,t[$+1]-d[$+1]*_[$]/3,e[$+1],t[$+1])}return c}var Ds=new Set;function Cc(){for(let e of Ds)e.syncRect(!0)}Io&&(eo(Zp,Lo,Cc),eo(Qp,Lo,Cc,!0),eo(cr,Lo,()=>{Ke.pxRatio=pe}));var $m=fu(),bm=du();function Ec(e,t,n,o){return(o?[e[0],e[1]].concat(e.slice(2)):[e[0]].concat(e.slice(1))).map((r,l)=>Ls(r,l,t,n))}function ym(e,t){return e.map((n,o)=>o==0?{}:ze({},t,n))}function Ls(e,t,n,o){return ze({},t==0?n:o,e)}function mu(e,t,n){return t==null?Fo:[t,n]}var wm=mu;function xm(e,t,n){return t==null?Fo:ur(t,n,Is,!0)}function hu(e,t,n,o){return t==null?Fo:fr(t,n,e.scales[o].log,!1)}var km=hu;function gu(e,t,n,o){return t==null?Fo:zs(t,n,e.scales[o].log,!1)}var Sm=gu;function Tm(e,t,n,o,i){let r=mt(lc(e),lc(t)),l=t-e,c=Jt(i/o*l,n);do{let d=n[c],h=o*d/l;if(h>=i&&r+(d<5?Mn.get(d):0)<=17)return[d,h]}while(++c<n.length);return[0,0]}function Mc(e){let t,n;return e=e.replace(/(\d+)px/,(o,i)=>(t=Be((n=+i)*pe))+"px"),[e,t,n]}function Pm(e){e.show&&[e.font,e.labelFont].forEach(t=>{let n=be(t[2]*pe,1);t[0]=t[0].replace(/[0-9.]+px/,n+"px"),t[1]=n})}function Ke(e,t,n){let o={mode:ce(e.mode,1)},i=o.mode;function r(s,a,p,f){let v=a.valToPct(s);return f+p*(a.dir==-1?1-v:v)}function l(s,a,p,f){let v=a.valToPct(s);return f+p*(a.dir==-1?v:1-v)}function c(s,a,p,f){return a.ori==0?r(s,a,p,f):l(s,a,p,f)}o.valToPosH=r,o.valToPosV=l;let d=!1;o.status=0;let h=o.root=It(Dp);if(e.id!=null&&(h.id=e.id),Ct(h,e.class),e.title){let s=It(Fp,h);s.textContent=e.title}let m=Yt("canvas"),_=o.ctx=m.getContext("2d"),$=It(Np,h);eo("click",$,s=>{s.target===x&&(we!=$o||Ee!=bo)&&tt.click(o,s)},!0);let g=o.under=It(zp,$);$.appendChild(m);let x=o.over=It(Ip,$);e=No(e);let E=+ce(e.pxAlign,1),P=Tc(E);(e.plugins||[]).forEach(s=>{s.opts&&(e=s.opts(o,e)||e)});let A=e.ms||.001,y=o.series=i==1?Ec(e.series||[],$c,kc,!1):ym(e.series||[null],xc),R=o.axes=Ec(e.axes||[],_c,yc,!0),k=o.scales={},q=o.bands=e.bands||[];q.forEach(s=>{s.fill=ie(s.fill||null),s.dir=ce(s.dir,-1)});let N=i==2?y[1].facets[0].scale:y[0].scale,Q={axes:id,series:Xu},U=(e.drawOrder||["axes","series"]).map(s=>Q[s]);function te(s){let a=s.distr==3?p=>hn(p>0?p:s.clamp(o,p,s.min,s.max,s.key)):s.distr==4?p=>ys(p,s.asinh):s.distr==100?p=>s.fwd(p):p=>p;return p=>{let f=a(p),{_min:v,_max:b}=s,w=b-v;return(f-v)/w}}function W(s){let a=k[s];if(a==null){let p=(e.scales||_i)[s]||_i;if(p.from!=null){W(p.from);let f=ze({},k[p.from],p,{key:s});f.valToPct=te(f),k[s]=f}else{a=k[s]=ze({},s==N?iu:cm,p),a.key=s;let f=a.time,v=a.range,b=En(v);if((s!=N||i==2&&!f)&&(b&&(v[0]==null||v[1]==null)&&(v={min:v[0]==null?ic:{mode:1,hard:v[0],soft:v[0]},max:v[1]==null?ic:{mode:1,hard:v[1],soft:v[1]}},b=!1),!b&&hr(v))){let w=v;v=(S,T,D)=>T==null?Fo:ur(T,D,w)}a.range=ie(v||(f?wm:s==N?a.distr==3?km:a.distr==4?Sm:mu:a.distr==3?hu:a.distr==4?gu:xm)),a.auto=ie(b?!1:a.auto),a.clamp=ie(a.clamp||am),a._min=a._max=null,a.valToPct=te(a)}}}W("x"),W("y"),i==1&&y.forEach(s=>{W(s.scale)}),R.forEach(s=>{W(s.scale)});for(let s in e.scales)W(s);let C=k[N],B=C.distr,L,Y;C.ori==0?(Ct(h,Lp),L=r,Y=l):(Ct(h,Op),L=l,Y=r);let H={};for(let s in k){let a=k[s];(a.min!=null||a.max!=null)&&(H[s]={min:a.min,max:a.max},a.min=a.max=null)}let re=e.tzDate||(s=>new Date(Be(s/A))),V=e.fmtDate||Hs,ht=A==1?Of(re):zf(re),Pe=hc(re,mc(A==1?Lf:Nf,V)),le=vc(re,gc(jf,V)),ve=[],ne=o.legend=ze({},Wf,e.legend),I=o.cursor=ze({},Yf,{drag:{y:i==2}},e.cursor),Ie=ne.show,lt=I.show,Ce=ne.markers;ne.idxs=ve,Ce.width=ie(Ce.width),Ce.dash=ie(Ce.dash),Ce.stroke=ie(Ce.stroke),Ce.fill=ie(Ce.fill);let fe,Vt,$t,Re=[],Qt=[],un,Rt=!1,vn={};if(ne.live){let s=y[1]?y[1].values:null;Rt=s!=null,un=Rt?s(o,1,0):{_:0};for(let a in un)vn[a]=Fs}if(Ie)if(fe=Yt("table",Bp,h),$t=Yt("tbody",null,fe),ne.mount(o,fe),Rt){Vt=Yt("thead",null,fe,$t);let s=Yt("tr",null,Vt);Yt("th",null,s);for(var io in un)Yt("th",Ba,s).textContent=io}else Ct(fe,Kp),ne.live&&Ct(fe,Gp);let ro={show:!0},Ho={show:!1};function yi(s,a){if(a==0&&(Rt||!ne.live||i==2))return Fo;let p=[],f=Yt("tr",qp,$t,$t.childNodes[a]);Ct(f,s.class),s.show||Ct(f,Xn);let v=Yt("th",null,f);if(Ce.show){let S=It(Yp,v);if(a>0){let T=Ce.width(o,a);T&&(S.style.border=T+"px "+Ce.dash(o,a)+" "+Ce.stroke(o,a)),S.style.background=Ce.fill(o,a)}}let b=It(Ba,v);s.label instanceof HTMLElement?b.appendChild(s.label):b.textContent=s.label,a>0&&(Ce.show||(b.style.color=s.width>0?Ce.stroke(o,a):Ce.fill(o,a)),at("click",v,S=>{if(I._lock)return;Fn(S);let T=y.indexOf(s);if((S.ctrlKey||S.metaKey)!=ne.isolate){let D=y.some((O,z)=>z>0&&z!=T&&O.show);y.forEach((O,z)=>{z>0&&tn(z,D?z==T?ro:Ho:ro,!0,Oe.setSeries)})}else tn(T,{show:!s.show},!0,Oe.setSeries)},!1),co&&at(Ya,v,S=>{I._lock||(Fn(S),tn(y.indexOf(s),wo,!0,Oe.setSeries))},!1));for(var w in un){let S=Yt("td",Jp,f);S.textContent="--",p.push(S)}return[f,p]}let Rn=new Map;function at(s,a,p,f=!0){let v=Rn.get(a)||{},b=I.bind[s](o,a,p,f);b&&(eo(s,a,v[s]=b),Rn.set(a,v))}function so(s,a,p){let f=Rn.get(a)||{};for(let v in f)(s==null||v==s)&&(Cs(v,a,f[v]),delete f[v]);s==null&&Rn.delete(a)}let dn=0,An=0,X=0,F=0,ye=0,je=0,lo=ye,Dn=je,Xt=X,Ln=F,bt=0,At=0,gt=0,Ht=0;o.bbox={};let Sr=!1,wi=!1,ao=!1,On=!1,xi=!1,Dt=!1;function Tr(s,a,p){(p||s!=o.width||a!=o.height)&&tl(s,a),ho(!1),ao=!0,wi=!0,go()}function tl(s,a){o.width=dn=X=s,o.height=An=F=a,ye=je=0,Gu(),Ku();let p=o.bbox;bt=p.left=Zn(ye*pe,.5),At=p.top=Zn(je*pe,.5),gt=p.width=Zn(X*pe,.5),Ht=p.height=Zn(F*pe,.5)}let Wu=3;function Uu(){let s=!1,a=0;for(;!s;){a++;let p=nd(a),f=od(a);s=a==Wu||p&&f,s||(tl(o.width,o.height),wi=!0)}}function Bu({width:s,height:a}){Tr(s,a)}o.setSize=Bu;function Gu(){let s=!1,a=!1,p=!1,f=!1;R.forEach((v,b)=>{if(v.show&&v._show){let{side:w,_size:S}=v,T=w%2,D=v.label!=null?v.labelSize:0,O=S+D;O>0&&(T?(X-=O,w==3?(ye+=O,f=!0):p=!0):(F-=O,w==0?(je+=O,s=!0):a=!0))}}),Nn[0]=s,Nn[1]=p,Nn[2]=a,Nn[3]=f,X-=_n[1]+_n[3],ye+=_n[3],F-=_n[2]+_n[0],je+=_n[0]}function Ku(){let s=ye+X,a=je+F,p=ye,f=je;function v(b,w){switch(b){case 1:return s+=w,s-w;case 2:return a+=w,a-w;case 3:return p-=w,p+w;case 0:return f-=w,f+w}}R.forEach((b,w)=>{if(b.show&&b._show){let S=b.side;b._pos=v(S,b._size),b.label!=null&&(b._lpos=v(S,b.labelSize))}})}if(I.dataIdx==null){let s=I.hover,a=s.skip=new Set(s.skip??[]);a.add(void 0);let p=s.prox=ie(s.prox),f=s.bias??=0;I.dataIdx=(v,b,w,S)=>{if(b==0)return w;let T=w,D=p(v,b,w,S)??$e,O=D>=0&&D<$e,z=C.ori==0?X:F,J=I.left,ue=t[0],ae=t[b];if(a.has(ae[w])){T=null;let oe=null,G=null,j;if(f==0||f==-1)for(j=w;oe==null&&j-- >0;)a.has(ae[j])||(oe=j);if(f==0||f==1)for(j=w;G==null&&j++<ae.length;)a.has(ae[j])||(G=j);if(oe!=null||G!=null)if(O){let ke=oe==null?-1/0:L(ue[oe],C,z,0),De=G==null?1/0:L(ue[G],C,z,0),Xe=J-ke,_e=De-J;Xe<=_e?Xe<=D&&(T=oe):_e<=D&&(T=G)}else T=G==null?oe:oe==null?G:w-oe<=G-w?oe:G}else O&&Ge(J-L(ue[w],C,z,0))>D&&(T=null);return T}}let Fn=s=>{I.event=s};I.idxs=ve,I._lock=!1;let ot=I.points;ot.show=ie(ot.show),ot.size=ie(ot.size),ot.stroke=ie(ot.stroke),ot.width=ie(ot.width),ot.fill=ie(ot.fill);let en=o.focus=ze({},e.focus||{alpha:.3},I.focus),co=en.prox>=0,uo=co&&ot.one,Lt=[],po=[],fo=[];function nl(s,a){let p=ot.show(o,a);if(p instanceof HTMLElement)return Ct(p,Up),Ct(p,s.class),cn(p,-10,-10,X,F),x.insertBefore(p,Lt[a]),p}function ol(s,a){if(i==1||a>0){let p=i==1&&k[s.scale].time,f=s.value;s.value=p?uc(f)?vc(re,gc(f,V)):f||le:f||rm,s.label=s.label||(p?Zf:Jf)}if(uo||a>0){s.width=s.width==null?1:s.width,s.paths=s.paths||$m||cf,s.fillTo=ie(s.fillTo||um),s.pxAlign=+ce(s.pxAlign,E),s.pxRound=Tc(s.pxAlign),s.stroke=ie(s.stroke||null),s.fill=ie(s.fill||null),s._stroke=s._fill=s._paths=s._focus=null;let p=sm(mt(1,s.width),1),f=s.points=ze({},{size:p,width:mt(1,p*.2),stroke:s.stroke,space:p*2,paths:bm,_stroke:null,_fill:null},s.points);f.show=ie(f.show),f.filter=ie(f.filter),f.fill=ie(f.fill),f.stroke=ie(f.stroke),f.paths=ie(f.paths),f.pxAlign=s.pxAlign}if(Ie){let p=yi(s,a);Re.splice(a,0,p[0]),Qt.splice(a,0,p[1]),ne.values.push(null)}if(lt){ve.splice(a,0,null);let p=null;uo?a==0&&(p=nl(s,a)):a>0&&(p=nl(s,a)),Lt.splice(a,0,p),po.splice(a,0,0),fo.splice(a,0,0)}Qe("addSeries",a)}function qu(s,a){a=a??y.length,s=i==1?Ls(s,a,$c,kc):Ls(s,a,{},xc),y.splice(a,0,s),ol(y[a],a)}o.addSeries=qu;function Yu(s){if(y.splice(s,1),Ie){ne.values.splice(s,1),Qt.splice(s,1);let a=Re.splice(s,1)[0];so(null,a.firstChild),a.remove()}lt&&(ve.splice(s,1),Lt.splice(s,1)[0].remove(),po.splice(s,1),fo.splice(s,1)),Qe("delSeries",s)}o.delSeries=Yu;let Nn=[!1,!1,!1,!1];function Ju(s,a){if(s._show=s.show,s.show){let p=s.side%2,f=k[s.scale];f==null&&(s.scale=p?y[1].scale:N,f=k[s.scale]);let v=f.time;s.size=ie(s.size),s.space=ie(s.space),s.rotate=ie(s.rotate),En(s.incrs)&&s.incrs.forEach(w=>{!Mn.has(w)&&Mn.set(w,Ic(w))}),s.incrs=ie(s.incrs||(f.distr==2?Rf:v?A==1?Df:Ff:Qn)),s.splits=ie(s.splits||(v&&f.distr==1?ht:f.distr==3?Ms:f.distr==4?em:Xf)),s.stroke=ie(s.stroke),s.grid.stroke=ie(s.grid.stroke),s.ticks.stroke=ie(s.ticks.stroke),s.border.stroke=ie(s.border.stroke);let b=s.values;s.values=En(b)&&!En(b[0])?ie(b):v?En(b)?hc(re,mc(b,V)):uc(b)?If(re,b):b||Pe:b||Qf,s.filter=ie(s.filter||(f.distr>=3&&f.log==10?om:f.distr==3&&f.log==2?im:Nc)),s.font=Mc(s.font),s.labelFont=Mc(s.labelFont),s._size=s.size(o,null,a,0),s._space=s._rotate=s._incrs=s._found=s._splits=s._values=null,s._size>0&&(Nn[a]=!0,s._el=It(jp,$))}}function Wo(s,a,p,f){let[v,b,w,S]=p,T=a%2,D=0;return T==0&&(S||b)&&(D=a==0&&!v||a==2&&!w?Be(_c.size/3):0),T==1&&(v||w)&&(D=a==1&&!b||a==3&&!S?Be(yc.size/2):0),D}let il=o.padding=(e.padding||[Wo,Wo,Wo,Wo]).map(s=>ie(ce(s,Wo))),_n=o._padding=il.map((s,a)=>s(o,a,Nn,0)),et,qe=null,Ye=null,ki=i==1?y[0].idxs:null,Wt=null,Uo=!1;function rl(s,a){if(t=s??[],o.data=o._data=t,i==2){et=0;for(let p=1;p<y.length;p++)et+=t[p][0].length}else{t.length==0&&(o.data=o._data=t=[[]]),Wt=t[0],et=Wt.length;let p=t;if(B==2){p=t.slice();let f=p[0]=Array(et);for(let v=0;v<et;v++)f[v]=v}o._data=t=p}if(ho(!0),Qe("setData"),B==2&&(ao=!0),a!==!1){let p=C;p.auto(o,Uo)?Pr():bn(N,p.min,p.max),On=On||I.left>=0,Dt=!0,go()}}o.setData=rl;function Pr(){Uo=!0;let s,a;i==1&&(et>0?(qe=ki[0]=0,Ye=ki[1]=et-1,s=t[0][qe],a=t[0][Ye],B==2?(s=qe,a=Ye):s==a&&(B==3?[s,a]=fr(s,s,C.log,!1):B==4?[s,a]=zs(s,s,C.log,!1):C.time?a=s+Be(86400/A):[s,a]=ur(s,a,Is,!0))):(qe=ki[0]=s=null,Ye=ki[1]=a=null)),bn(N,s,a)}let Si,mo,Cr,Er,Mr,Rr,Ar,Dr,Lr,vt;function sl(s,a,p,f,v,b){s??=Ka,p??=Vs,f??="butt",v??=Ka,b??="round",s!=Si&&(_.strokeStyle=Si=s),v!=mo&&(_.fillStyle=mo=v),a!=Cr&&(_.lineWidth=Cr=a),b!=Mr&&(_.lineJoin=Mr=b),f!=Rr&&(_.lineCap=Rr=f),p!=Er&&_.setLineDash(Er=p)}function ll(s,a,p,f){a!=mo&&(_.fillStyle=mo=a),s!=Ar&&(_.font=Ar=s),p!=Dr&&(_.textAlign=Dr=p),f!=Lr&&(_.textBaseline=Lr=f)}function Or(s,a,p,f,v=0){if(f.length>0&&s.auto(o,Uo)&&(a==null||a.min==null)){let b=ce(qe,0),w=ce(Ye,f.length-1),S=p.min==null?nf(f,b,w,v,s.distr==3):[p.min,p.max];s.min=Zt(s.min,p.min=S[0]),s.max=mt(s.max,p.max=S[1])}}let al={min:null,max:null};function Zu(){for(let f in k){let v=k[f];H[f]==null&&(v.min==null||H[N]!=null&&v.auto(o,Uo))&&(H[f]=al)}for(let f in k){let v=k[f];H[f]==null&&v.from!=null&&H[v.from]!=null&&(H[f]=al)}H[N]!=null&&ho(!0);let s={};for(let f in H){let v=H[f];if(v!=null){let b=s[f]=No(k[f],pf);if(v.min!=null)ze(b,v);else if(f!=N||i==2)if(et==0&&b.from==null){let w=b.range(o,null,null,f);b.min=w[0],b.max=w[1]}else b.min=$e,b.max=-$e}}if(et>0){y.forEach((f,v)=>{if(i==1){let b=f.scale,w=H[b];if(w==null)return;let S=s[b];if(v==0){let T=S.range(o,S.min,S.max,b);S.min=T[0],S.max=T[1],qe=Jt(S.min,t[0]),Ye=Jt(S.max,t[0]),Ye-qe>1&&(t[0][qe]<S.min&&qe++,t[0][Ye]>S.max&&Ye--),f.min=Wt[qe],f.max=Wt[Ye]}else f.show&&f.auto&&Or(S,w,f,t[v],f.sorted);f.idxs[0]=qe,f.idxs[1]=Ye}else if(v>0&&f.show&&f.auto){let[b,w]=f.facets,S=b.scale,T=w.scale,[D,O]=t[v],z=s[S],J=s[T];z!=null&&Or(z,H[S],b,D,b.sorted),J!=null&&Or(J,H[T],w,O,w.sorted),f.min=w.min,f.max=w.max}});for(let f in s){let v=s[f],b=H[f];if(v.from==null&&(b==null||b.min==null)){let w=v.range(o,v.min==$e?null:v.min,v.max==-$e?null:v.max,f);v.min=w[0],v.max=w[1]}}}for(let f in s){let v=s[f];if(v.from!=null){let b=s[v.from];if(b.min==null)v.min=v.max=null;else{let w=v.range(o,b.min,b.max,f);v.min=w[0],v.max=w[1]}}}let a={},p=!1;for(let f in s){let v=s[f],b=k[f];if(b.min!=v.min||b.max!=v.max){b.min=v.min,b.max=v.max;let w=b.distr;b._min=w==3?hn(b.min):w==4?ys(b.min,b.asinh):w==100?b.fwd(b.min):b.min,b._max=w==3?hn(b.max):w==4?ys(b.max,b.asinh):w==100?b.fwd(b.max):b.max,a[f]=p=!0}}if(p){y.forEach((f,v)=>{i==2?v>0&&a.y&&(f._paths=null):a[f.scale]&&(f._paths=null)});for(let f in a)ao=!0,Qe("setScale",f);lt&&I.left>=0&&(On=Dt=!0)}for(let f in H)H[f]=null}function Qu(s){let a=Es(qe-1,0,et-1),p=Es(Ye+1,0,et-1);for(;s[a]==null&&a>0;)a--;for(;s[p]==null&&p<et-1;)p++;return[a,p]}function Xu(){if(et>0){let s=y.some(a=>a._focus)&&vt!=en.alpha;s&&(_.globalAlpha=vt=en.alpha),y.forEach((a,p)=>{if(p>0&&a.show&&(cl(p,!1),cl(p,!0),a._paths==null)){let f=vt;vt!=a.alpha&&(_.globalAlpha=vt=a.alpha);let v=i==2?[0,t[p][0].length-1]:Qu(t[p]);a._paths=a.paths(o,p,v[0],v[1]),vt!=f&&(_.globalAlpha=vt=f)}}),y.forEach((a,p)=>{if(p>0&&a.show){let f=vt;vt!=a.alpha&&(_.globalAlpha=vt=a.alpha),a._paths!=null&&ul(p,!1);{let v=a._paths!=null?a._paths.gaps:null,b=a.points.show(o,p,qe,Ye,v),w=a.points.filter(o,p,b,v);(b||w)&&(a.points._paths=a.points.paths(o,p,qe,Ye,w),ul(p,!0))}vt!=f&&(_.globalAlpha=vt=f),Qe("drawSeries",p)}}),s&&(_.globalAlpha=vt=1)}}function cl(s,a){let p=a?y[s].points:y[s];p._stroke=p.stroke(o,s),p._fill=p.fill(o,s)}function ul(s,a){let p=a?y[s].points:y[s],{stroke:f,fill:v,clip:b,flags:w,_stroke:S=p._stroke,_fill:T=p._fill,_width:D=p.width}=p._paths;D=be(D*pe,3);let O=null,z=D%2/2;a&&T==null&&(T=D>0?"#fff":S);let J=p.pxAlign==1&&z>0;if(J&&_.translate(z,z),!a){let ue=bt-D/2,ae=At-D/2,oe=gt+D,G=Ht+D;O=new Path2D,O.rect(ue,ae,oe,G)}a?Fr(S,D,p.dash,p.cap,T,f,v,w,b):ed(s,S,D,p.dash,p.cap,T,f,v,w,O,b),J&&_.translate(-z,-z)}function ed(s,a,p,f,v,b,w,S,T,D,O){let z=!1;T!=0&&q.forEach((J,ue)=>{if(J.series[0]==s){let ae=y[J.series[1]],oe=t[J.series[1]],G=(ae._paths||_i).band;En(G)&&(G=J.dir==1?G[0]:G[1]);let j,ke=null;ae.show&&G&&rf(oe,qe,Ye)?(ke=J.fill(o,ue)||b,j=ae._paths.clip):G=null,Fr(a,p,f,v,ke,w,S,T,D,O,j,G),z=!0}}),z||Fr(a,p,f,v,b,w,S,T,D,O)}let dl=zo|As;function Fr(s,a,p,f,v,b,w,S,T,D,O,z){sl(s,a,p,f,v),(T||D||z)&&(_.save(),T&&_.clip(T),D&&_.clip(D)),z?(S&dl)==dl?(_.clip(z),O&&_.clip(O),Pi(v,w),Ti(s,b,a)):S&As?(Pi(v,w),_.clip(z),Ti(s,b,a)):S&zo&&(_.save(),_.clip(z),O&&_.clip(O),Pi(v,w),_.restore(),Ti(s,b,a)):(Pi(v,w),Ti(s,b,a)),(T||D||z)&&_.restore()}function Ti(s,a,p){p>0&&(a instanceof Map?a.forEach((f,v)=>{_.strokeStyle=Si=v,_.stroke(f)}):a!=null&&s&&_.stroke(a))}function Pi(s,a){a instanceof Map?a.forEach((p,f)=>{_.fillStyle=mo=f,_.fill(p)}):a!=null&&s&&_.fill(a)}function td(s,a,p,f){let v=R[s],b;if(f<=0)b=[0,0];else{let w=v._space=v.space(o,s,a,p,f),S=v._incrs=v.incrs(o,s,a,p,f,w);b=Tm(a,p,S,f,w)}return v._found=b}function Nr(s,a,p,f,v,b,w,S,T,D){let O=w%2/2;E==1&&_.translate(O,O),sl(S,w,T,D,S),_.beginPath();let z,J,ue,ae,oe=v+(f==0||f==3?-b:b);p==0?(J=v,ae=oe):(z=v,ue=oe);for(let G=0;G<s.length;G++)a[G]!=null&&(p==0?z=ue=s[G]:J=ae=s[G],_.moveTo(z,J),_.lineTo(ue,ae));_.stroke(),E==1&&_.translate(-O,-O)}function nd(s){let a=!0;return R.forEach((p,f)=>{if(!p.show)return;let v=k[p.scale];if(v.min==null){p._show&&(a=!1,p._show=!1,ho(!1));return}else p._show||(a=!1,p._show=!0,ho(!1));let b=p.side,w=b%2,{min:S,max:T}=v,[D,O]=td(f,S,T,w==0?X:F);if(O==0)return;let z=v.distr==2,J=p._splits=p.splits(o,f,S,T,D,O,z),ue=v.distr==2?J.map(j=>Wt[j]):J,ae=v.distr==2?Wt[J[1]]-Wt[J[0]]:D,oe=p._values=p.values(o,p.filter(o,ue,f,O,ae),f,O,ae);p._rotate=b==2?p.rotate(o,oe,f,O):0;let G=p._size;p._size=jt(p.size(o,oe,f,s)),G!=null&&p._size!=G&&(a=!1)}),a}function od(s){let a=!0;return il.forEach((p,f)=>{let v=p(o,f,Nn,s);v!=_n[f]&&(a=!1),_n[f]=v}),a}function id(){for(let s=0;s<R.length;s++){let a=R[s];if(!a.show||!a._show)continue;let p=a.side,f=p%2,v,b,w=a.stroke(o,s),S=p==0||p==3?-1:1,[T,D]=a._found;if(a.label!=null){let ut=a.labelGap*S,xt=Be((a._lpos+ut)*pe);ll(a.labelFont[0],w,"center",p==2?"top":Ga),_.save(),f==1?(v=b=0,_.translate(xt,Be(At+Ht/2)),_.rotate((p==3?-ar:ar)/2)):(v=Be(bt+gt/2),b=xt);let jn=Oc(a.label)?a.label(o,s,T,D):a.label;_.fillText(jn,v,b),_.restore()}if(D==0)continue;let O=k[a.scale],z=f==0?gt:Ht,J=f==0?bt:At,ue=a._splits,ae=O.distr==2?ue.map(ut=>Wt[ut]):ue,oe=O.distr==2?Wt[ue[1]]-Wt[ue[0]]:T,G=a.ticks,j=a.border,ke=G.show?G.size:0,De=Be(ke*pe),Xe=Be((a.alignTo==2?a._size-ke-a.gap:a.gap)*pe),_e=a._rotate*-ar/180,Le=P(a._pos*pe),yt=(De+Xe)*S,ct=Le+yt;b=f==0?ct:0,v=f==1?ct:0;let Ot=a.font[0],Ut=a.align==1?Ao:a.align==2?_s:_e>0?Ao:_e<0?_s:f==0?"center":p==3?_s:Ao,on=_e||f==1?"middle":p==2?"top":Ga;ll(Ot,w,Ut,on);let wt=a.font[1]*a.lineGap,Ft=ue.map(ut=>P(c(ut,O,z,J))),Bt=a._values;for(let ut=0;ut<Bt.length;ut++){let xt=Bt[ut];if(xt!=null){f==0?v=Ft[ut]:b=Ft[ut],xt=""+xt;let jn=xt.indexOf(`
`)==-1?[xt]:xt.split(/\n/gm);for(let dt=0;dt<jn.length;dt++){let Ml=jn[dt];_e?(_.save(),_.translate(v,b+dt*wt),_.rotate(_e),_.fillText(Ml,0,0),_.restore()):_.fillText(Ml,v,b+dt*wt)}}}G.show&&Nr(Ft,G.filter(o,ae,s,D,oe),f,p,Le,De,be(G.width*pe,3),G.stroke(o,s),G.dash,G.cap);let rn=a.grid;rn.show&&Nr(Ft,rn.filter(o,ae,s,D,oe),f,f==0?2:1,f==0?At:bt,f==0?Ht:gt,be(rn.width*pe,3),rn.stroke(o,s),rn.dash,rn.cap),j.show&&Nr([Le],[1],f==0?1:0,f==0?1:2,f==1?At:bt,f==1?Ht:gt,be(j.width*pe,3),j.stroke(o,s),j.dash,j.cap)}Qe("drawAxes")}function ho(s){y.forEach((a,p)=>{p>0&&(a._paths=null,s&&(i==1?(a.min=null,a.max=null):a.facets.forEach(f=>{f.min=null,f.max=null})))})}let Ci=!1,zr=!1,Bo=[];function rd(){zr=!1;for(let s=0;s<Bo.length;s++)Qe(...Bo[s]);Bo.length=0}function go(){Ci||($f(pl),Ci=!0)}function sd(s,a=!1){Ci=!0,zr=a,s(o),pl(),a&&Bo.length>0&&queueMicrotask(rd)}o.batch=sd;function pl(){if(Sr&&(Zu(),Sr=!1),ao&&(Uu(),ao=!1),wi){if(Te(g,Ao,ye),Te(g,"top",je),Te(g,mi,X),Te(g,hi,F),Te(x,Ao,ye),Te(x,"top",je),Te(x,mi,X),Te(x,hi,F),Te($,mi,dn),Te($,hi,An),m.width=Be(dn*pe),m.height=Be(An*pe),R.forEach(({_el:s,_show:a,_size:p,_pos:f,side:v})=>{if(s!=null)if(a){let b=v===3||v===0?p:0,w=v%2==1;Te(s,w?"left":"top",f-b),Te(s,w?"width":"height",p),Te(s,w?"top":"left",w?je:ye),Te(s,w?"height":"width",w?F:X),Ps(s,Xn)}else Ct(s,Xn)}),Si=mo=Cr=Mr=Rr=Ar=Dr=Lr=Er=null,vt=1,qo(!0),ye!=lo||je!=Dn||X!=Xt||F!=Ln){ho(!1);let s=X/Xt,a=F/Ln;if(lt&&!On&&I.left>=0){I.left*=s,I.top*=a,vo&&cn(vo,Be(I.left),0,X,F),_o&&cn(_o,0,Be(I.top),X,F);for(let p=0;p<Lt.length;p++){let f=Lt[p];f!=null&&(po[p]*=s,fo[p]*=a,cn(f,jt(po[p]),jt(fo[p]),X,F))}}if(xe.show&&!xi&&xe.left>=0&&xe.width>0){xe.left*=s,xe.width*=s,xe.top*=a,xe.height*=a;for(let p in Ur)Te(yo,p,xe[p])}lo=ye,Dn=je,Xt=X,Ln=F}Qe("setSize"),wi=!1}dn>0&&An>0&&(_.clearRect(0,0,m.width,m.height),Qe("drawClear"),U.forEach(s=>s()),Qe("draw")),xe.show&&xi&&(Ei(xe),xi=!1),lt&&On&&(In(null,!0,!1),On=!1),ne.show&&ne.live&&Dt&&(Hr(),Dt=!1),d||(d=!0,o.status=1,Qe("ready")),Uo=!1,Ci=!1}o.redraw=(s,a)=>{ao=a||!1,s!==!1?bn(N,C.min,C.max):go()};function Ir(s,a){let p=k[s];if(p.from==null){if(et==0){let f=p.range(o,a.min,a.max,s);a.min=f[0],a.max=f[1]}if(a.min>a.max){let f=a.min;a.min=a.max,a.max=f}if(et>1&&a.min!=null&&a.max!=null&&a.max-a.min<1e-16)return;s==N&&p.distr==2&&et>0&&(a.min=Jt(a.min,t[0]),a.max=Jt(a.max,t[0]),a.min==a.max&&a.max++),H[s]=a,Sr=!0,go()}}o.setScale=Ir;let jr,Vr,vo,_o,fl,ml,$o,bo,hl,gl,we,Ee,$n=!1,tt=I.drag,Je=tt.x,Ze=tt.y;lt&&(I.x&&(jr=It(Hp,x)),I.y&&(Vr=It(Wp,x)),C.ori==0?(vo=jr,_o=Vr):(vo=Vr,_o=jr),we=I.left,Ee=I.top);let xe=o.select=ze({show:!0,over:!0,left:0,width:0,top:0,height:0},e.select),yo=xe.show?It(Vp,xe.over?x:g):null;function Ei(s,a){if(xe.show){for(let p in s)xe[p]=s[p],p in Ur&&Te(yo,p,s[p]);a!==!1&&Qe("setSelect")}}o.setSelect=Ei;function ld(s){if(y[s].show)Ie&&Ps(Re[s],Xn);else if(Ie&&Ct(Re[s],Xn),lt){let p=uo?Lt[0]:Lt[s];p!=null&&cn(p,-10,-10,X,F)}}function bn(s,a,p){Ir(s,{min:a,max:p})}function tn(s,a,p,f){a.focus!=null&&pd(s),a.show!=null&&y.forEach((v,b)=>{b>0&&(s==b||s==null)&&(v.show=a.show,ld(b),i==2?(bn(v.facets[0].scale,null,null),bn(v.facets[1].scale,null,null)):bn(v.scale,null,null),go())}),p!==!1&&Qe("setSeries",s,a),f&&Yo("setSeries",o,s,a)}o.setSeries=tn;function ad(s,a){ze(q[s],a)}function cd(s,a){s.fill=ie(s.fill||null),s.dir=ce(s.dir,-1),a=a??q.length,q.splice(a,0,s)}function ud(s){s==null?q.length=0:q.splice(s,1)}o.addBand=cd,o.setBand=ad,o.delBand=ud;function dd(s,a){y[s].alpha=a,lt&&Lt[s]!=null&&(Lt[s].style.opacity=a),Ie&&Re[s]&&(Re[s].style.opacity=a)}let pn,yn,zn,wo={focus:!0};function pd(s){if(s!=zn){let a=s==null,p=en.alpha!=1;y.forEach((f,v)=>{if(i==1||v>0){let b=a||v==0||v==s;f._focus=a?null:b,p&&dd(v,b?1:en.alpha)}}),zn=s,p&&go()}}Ie&&co&&at(Ja,fe,s=>{I._lock||(Fn(s),zn!=null&&tn(null,wo,!0,Oe.setSeries))});function nn(s,a,p){let f=k[a];p&&(s=s/pe-(f.ori==1?je:ye));let v=X;f.ori==1&&(v=F,s=v-s),f.dir==-1&&(s=v-s);let b=f._min,w=f._max,S=s/v,T=b+(w-b)*S,D=f.distr;return D==3?Oo(10,T):D==4?lf(T,f.asinh):D==100?f.bwd(T):T}function fd(s,a){let p=nn(s,N,a);return Jt(p,t[0],qe,Ye)}o.valToIdx=s=>Jt(s,t[0]),o.posToIdx=fd,o.posToVal=nn,o.valToPos=(s,a,p)=>k[a].ori==0?r(s,k[a],p?gt:X,p?bt:0):l(s,k[a],p?Ht:F,p?At:0),o.setCursor=(s,a,p)=>{we=s.left,Ee=s.top,In(null,a,p)};function vl(s,a){Te(yo,Ao,xe.left=s),Te(yo,mi,xe.width=a)}function _l(s,a){Te(yo,"top",xe.top=s),Te(yo,hi,xe.height=a)}let Go=C.ori==0?vl:_l,Ko=C.ori==1?vl:_l;function md(){if(Ie&&ne.live)for(let s=i==2?1:0;s<y.length;s++){if(s==0&&Rt)continue;let a=ne.values[s],p=0;for(let f in a)Qt[s][p++].firstChild.nodeValue=a[f]}}function Hr(s,a){if(s!=null&&(s.idxs?s.idxs.forEach((p,f)=>{ve[f]=p}):df(s.idx)||ve.fill(s.idx),ne.idx=ve[0]),Ie&&ne.live){for(let p=0;p<y.length;p++)(p>0||i==1&&!Rt)&&hd(p,ve[p]);md()}Dt=!1,a!==!1&&Qe("setLegend")}o.setLegend=Hr;function hd(s,a){let p=y[s],f=s==0&&B==2?Wt:t[s],v;Rt?v=p.values(o,s,a)??vn:(v=p.value(o,a==null?null:f[a],s,a),v=v==null?vn:{_:v}),ne.values[s]=v}function In(s,a,p){hl=we,gl=Ee,[we,Ee]=I.move(o,we,Ee),I.left=we,I.top=Ee,lt&&(vo&&cn(vo,Be(we),0,X,F),_o&&cn(_o,0,Be(Ee),X,F));let f,v=qe>Ye;pn=$e,yn=null;let b=C.ori==0?X:F,w=C.ori==1?X:F;if(we<0||et==0||v){f=I.idx=null;for(let S=0;S<y.length;S++){let T=Lt[S];T!=null&&cn(T,-10,-10,X,F)}co&&tn(null,wo,!0,s==null&&Oe.setSeries),ne.live&&(ve.fill(f),Dt=!0)}else{let S,T,D;i==1&&(S=C.ori==0?we:Ee,T=nn(S,N),f=I.idx=Jt(T,t[0],qe,Ye),D=L(t[0][f],C,b,0));let O=-10,z=-10,J=0,ue=0,ae=!0,oe="",G="";for(let j=i==2?1:0;j<y.length;j++){let ke=y[j],De=ve[j],Xe=De==null?null:i==1?t[j][De]:t[j][1][De],_e=I.dataIdx(o,j,f,T),Le=_e==null?null:i==1?t[j][_e]:t[j][1][_e];if(Dt=Dt||Le!=Xe||_e!=De,ve[j]=_e,j>0&&ke.show){let yt=_e==null?-10:_e==f?D:L(i==1?t[0][_e]:t[j][0][_e],C,b,0),ct=Le==null?-10:Y(Le,i==1?k[ke.scale]:k[ke.facets[1].scale],w,0);if(co&&Le!=null){let Ot=C.ori==1?we:Ee,Ut=Ge(en.dist(o,j,_e,ct,Ot));if(Ut<pn){let on=en.bias;if(on!=0){let wt=nn(Ot,ke.scale),Ft=Le>=0?1:-1,Bt=wt>=0?1:-1;Bt==Ft&&(Bt==1?on==1?Le>=wt:Le<=wt:on==1?Le<=wt:Le>=wt)&&(pn=Ut,yn=j)}else pn=Ut,yn=j}}if(Dt||uo){let Ot,Ut;C.ori==0?(Ot=yt,Ut=ct):(Ot=ct,Ut=yt);let on,wt,Ft,Bt,rn,ut,xt=!0,jn=ot.bbox;if(jn!=null){xt=!1;let dt=jn(o,j);Ft=dt.left,Bt=dt.top,on=dt.width,wt=dt.height}else Ft=Ot,Bt=Ut,on=wt=ot.size(o,j);if(ut=ot.fill(o,j),rn=ot.stroke(o,j),uo)j==yn&&pn<=en.prox&&(O=Ft,z=Bt,J=on,ue=wt,ae=xt,oe=ut,G=rn);else{let dt=Lt[j];dt!=null&&(po[j]=Ft,fo[j]=Bt,oc(dt,on,wt,xt),tc(dt,ut,rn),cn(dt,jt(Ft),jt(Bt),X,F))}}}}if(uo){let j=en.prox,ke=zn==null?pn<=j:pn>j||yn!=zn;if(Dt||ke){let De=Lt[0];De!=null&&(po[0]=O,fo[0]=z,oc(De,J,ue,ae),tc(De,oe,G),cn(De,jt(O),jt(z),X,F))}}}if(xe.show&&$n)if(s!=null){let[S,T]=Oe.scales,[D,O]=Oe.match,[z,J]=s.cursor.sync.scales,ue=s.cursor.drag;if(Je=ue._x,Ze=ue._y,Je||Ze){let{left:ae,top:oe,width:G,height:j}=s.select,ke=s.scales[z].ori,De=s.posToVal,Xe,_e,Le,yt,ct,Ot=S!=null&&D(S,z),Ut=T!=null&&O(T,J);Ot&&Je?(ke==0?(Xe=ae,_e=G):(Xe=oe,_e=j),Le=k[S],yt=L(De(Xe,z),Le,b,0),ct=L(De(Xe+_e,z),Le,b,0),Go(Zt(yt,ct),Ge(ct-yt))):Go(0,b),Ut&&Ze?(ke==1?(Xe=ae,_e=G):(Xe=oe,_e=j),Le=k[T],yt=Y(De(Xe,J),Le,w,0),ct=Y(De(Xe+_e,J),Le,w,0),Ko(Zt(yt,ct),Ge(ct-yt))):Ko(0,w)}else Br()}else{let S=Ge(hl-fl),T=Ge(gl-ml);if(C.ori==1){let J=S;S=T,T=J}Je=tt.x&&S>=tt.dist,Ze=tt.y&&T>=tt.dist;let D=tt.uni;D!=null?Je&&Ze&&(Je=S>=D,Ze=T>=D,!Je&&!Ze&&(T>S?Ze=!0:Je=!0)):tt.x&&tt.y&&(Je||Ze)&&(Je=Ze=!0);let O,z;Je&&(C.ori==0?(O=$o,z=we):(O=bo,z=Ee),Go(Zt(O,z),Ge(z-O)),Ze||Ko(0,w)),Ze&&(C.ori==1?(O=$o,z=we):(O=bo,z=Ee),Ko(Zt(O,z),Ge(z-O)),Je||Go(0,b)),!Je&&!Ze&&(Go(0,0),Ko(0,0))}if(tt._x=Je,tt._y=Ze,s==null){if(p){if(El!=null){let[S,T]=Oe.scales;Oe.values[0]=S!=null?nn(C.ori==0?we:Ee,S):null,Oe.values[1]=T!=null?nn(C.ori==1?we:Ee,T):null}Yo($s,o,we,Ee,X,F,f)}if(co){let S=p&&Oe.setSeries,T=en.prox;zn==null?pn<=T&&tn(yn,wo,!0,S):pn>T?tn(null,wo,!0,S):yn!=zn&&tn(yn,wo,!0,S)}}Dt&&(ne.idx=f,Hr()),a!==!1&&Qe("setCursor")}let wn=null;Object.defineProperty(o,"rect",{get(){return wn==null&&qo(!1),wn}});function qo(s=!1){s?wn=null:(wn=x.getBoundingClientRect(),Qe("syncRect",wn))}function $l(s,a,p,f,v,b,w){I._lock||$n&&s!=null&&s.movementX==0&&s.movementY==0||(Wr(s,a,p,f,v,b,w,!1,s!=null),s!=null?In(null,!0,!0):In(a,!0,!1))}function Wr(s,a,p,f,v,b,w,S,T){if(wn==null&&qo(!1),Fn(s),s!=null)p=s.clientX-wn.left,f=s.clientY-wn.top;else{if(p<0||f<0){we=-10,Ee=-10;return}let[D,O]=Oe.scales,z=a.cursor.sync,[J,ue]=z.values,[ae,oe]=z.scales,[G,j]=Oe.match,ke=a.axes[0].side%2==1,De=C.ori==0?X:F,Xe=C.ori==1?X:F,_e=ke?b:v,Le=ke?v:b,yt=ke?f:p,ct=ke?p:f;if(ae!=null?p=G(D,ae)?c(J,k[D],De,0):-10:p=De*(yt/_e),oe!=null?f=j(O,oe)?c(ue,k[O],Xe,0):-10:f=Xe*(ct/Le),C.ori==1){let Ot=p;p=f,f=Ot}}T&&(a==null||a.cursor.event.type==$s)&&((p<=1||p>=X-1)&&(p=Zn(p,X)),(f<=1||f>=F-1)&&(f=Zn(f,F))),S?(fl=p,ml=f,[$o,bo]=I.move(o,p,f)):(we=p,Ee=f)}let Ur={width:0,height:0,left:0,top:0};function Br(){Ei(Ur,!1)}let bl,yl,wl,xl;function kl(s,a,p,f,v,b,w){$n=!0,Je=Ze=tt._x=tt._y=!1,Wr(s,a,p,f,v,b,w,!0,!1),s!=null&&(at(bs,Ss,Sl,!1),Yo(qa,o,$o,bo,X,F,null));let{left:S,top:T,width:D,height:O}=xe;bl=S,yl=T,wl=D,xl=O}function Sl(s,a,p,f,v,b,w){$n=tt._x=tt._y=!1,Wr(s,a,p,f,v,b,w,!1,!0);let{left:S,top:T,width:D,height:O}=xe,z=D>0||O>0,J=bl!=S||yl!=T||wl!=D||xl!=O;if(z&&J&&Ei(xe),tt.setScale&&z&&J){let ue=S,ae=D,oe=T,G=O;if(C.ori==1&&(ue=T,ae=O,oe=S,G=D),Je&&bn(N,nn(ue,N),nn(ue+ae,N)),Ze)for(let j in k){let ke=k[j];j!=N&&ke.from==null&&ke.min!=$e&&bn(j,nn(oe+G,j),nn(oe,j))}Br()}else I.lock&&(I._lock=!I._lock,In(a,!0,s!=null));s!=null&&(so(bs,Ss),Yo(bs,o,we,Ee,X,F,null))}function gd(s,a,p,f,v,b,w){if(I._lock)return;Fn(s);let S=$n;if($n){let T=!0,D=!0,O=10,z,J;C.ori==0?(z=Je,J=Ze):(z=Ze,J=Je),z&&J&&(T=we<=O||we>=X-O,D=Ee<=O||Ee>=F-O),z&&T&&(we=we<$o?0:X),J&&D&&(Ee=Ee<bo?0:F),In(null,!0,!0),$n=!1}we=-10,Ee=-10,ve.fill(null),In(null,!0,!0),S&&($n=S)}function Tl(s,a,p,f,v,b,w){I._lock||(Fn(s),Pr(),Br(),s!=null&&Yo(Za,o,we,Ee,X,F,null))}function Pl(){R.forEach(Pm),Tr(o.width,o.height,!0)}eo(cr,Lo,Pl);let xo={};xo.mousedown=kl,xo.mousemove=$l,xo.mouseup=Sl,xo.dblclick=Tl,xo.setSeries=(s,a,p,f)=>{let v=Oe.match[2];p=v(o,a,p),p!=-1&&tn(p,f,!0,!1)},lt&&(at(qa,x,kl),at($s,x,$l),at(Ya,x,s=>{Fn(s),qo(!1)}),at(Ja,x,gd),at(Za,x,Tl),Ds.add(o),o.syncRect=qo);let Mi=o.hooks=e.hooks||{};function Qe(s,a,p){zr?Bo.push([s,a,p]):s in Mi&&Mi[s].forEach(f=>{f.call(null,o,a,p)})}(e.plugins||[]).forEach(s=>{for(let a in s.hooks)Mi[a]=(Mi[a]||[]).concat(s.hooks[a])});let Cl=(s,a,p)=>p,Oe=ze({key:null,setSeries:!1,filters:{pub:ac,sub:ac},scales:[N,y[1]?y[1].scale:null],match:[cc,cc,Cl],values:[null,null]},I.sync);Oe.match.length==2&&Oe.match.push(Cl),I.sync=Oe;let El=Oe.key,Gr=ru(El);function Yo(s,a,p,f,v,b,w){Oe.filters.pub(s,a,p,f,v,b,w)&&Gr.pub(s,a,p,f,v,b,w)}Gr.sub(o);function vd(s,a,p,f,v,b,w){Oe.filters.sub(s,a,p,f,v,b,w)&&xo[s](null,a,p,f,v,b,w)}o.pub=vd;function _d(){Gr.unsub(o),Ds.delete(o),Rn.clear(),Cs(cr,Lo,Pl),h.remove(),fe?.remove(),Qe("destroy")}o.destroy=_d;function Kr(){Qe("init",e,t),rl(t||e.data,!1),H[N]?Ir(N,H[N]):Pr(),xi=xe.show&&(xe.width>0||xe.height>0),On=Dt=!0,Tr(e.width,e.height)}return y.forEach(ol),R.forEach(Ju),n?n instanceof HTMLElement?(n.appendChild(h),Kr()):n(o,Kr):Kr(),o}Ke.assign=ze;Ke.fmtNum=js;Ke.rangeNum=ur;Ke.rangeLog=fr;Ke.rangeAsinh=zs;Ke.orient=no;Ke.pxRatio=pe;Ke.join=_f;Ke.fmtDate=Hs,Ke.tzDate=Ef;Ke.sync=ru;{Ke.addGap=dm,Ke.clipGaps=gr;let e=Ke.paths={points:du};e.linear=fu,e.stepped=mm,e.bars=hm,e.spline=vm}var Ys=e=>getComputedStyle(document.documentElement).getPropertyValue(e).trim();function bi({label:e,times:t,lines:n,by:o,height:i=220}){let r=it(null),l=it(null),c=it(null),d=it({lines:n,by:o});d.current={lines:n,by:o};let h=n.map(({name:m,tone:_,bars:$,dashed:g})=>[m,_,$,g].join()).join(";");return nt(()=>{let m=r.current,_=Cm(m.clientWidth,i,d.current);_.hooks={setCursor:[x=>zm(x,l.current,d.current)]};let $=new Ke(_,vu(t,n),m);c.current=$;let g=new ResizeObserver(()=>$.setSize({width:m.clientWidth,height:i}));return g.observe(m),()=>{g.disconnect(),$.destroy()}},[h,o,Gi.value,se.value,i]),nt(()=>c.current?.setData(vu(t,n)),[t,n]),u`<div class="chart" role="img" aria-label=${e}>
    <div ref=${r}></div>
    <div class="tip" ref=${l} hidden></div>
  </div>`}var vu=(e,t)=>[e,...t.map(({values:n})=>n)];function Cm(e,t,{lines:n,by:o}){let[i,r]=[Ys("--muted"),Ys("--line")],c={stroke:i,font:"12px system-ui, sans-serif",grid:{stroke:r,width:1},ticks:{show:!1}};return{width:e,height:t,padding:[8,24,0,0],legend:{show:!1},cursor:{y:!1,drag:{x:!1,y:!1},points:{size:7}},tzDate:d=>Ke.tzDate(new Date(d*1e3),se.value),scales:{x:{range:(d,h,m)=>Lm(h,m,n)},y:{range:(d,h,m)=>[0,Math.max(4,m*1.1)]}},axes:[{...c,grid:{show:!1},space:64,size:26,incrs:Dm[o],values:(d,h)=>h.map(m=>Em[o](m*1e3,se.value))},{...c,size:44,gap:4,space:36,incrs:Fm,values:(d,h)=>h.map(m=>Om.format(m))}],series:[{},...n.map(Nm)]}}var Em={second:ci,minute:ci,hour:ci,day:ms},Mm={second:Pn,minute:ci,hour:xa,day:ms},_u=60,Rm=3600,Am=86400,Dm={second:[1,2,5,15].map(e=>e*_u),minute:[1,5,10,15].map(e=>e*_u),hour:[1,2,3,4,6,12].map(e=>e*Rm),day:[1,2,3,5,7,14,30,60,90].map(e=>e*Am)};function Lm(e,t,n){let o=n.some(({bars:i})=>i)?(t-e)/Math.max(2,n[0].values.length-1)/2:0;return[e-o,t+o]}var Om=new Intl.NumberFormat(navigator.language,{notation:"compact"}),Fm=[1,2,5].flatMap(e=>Array.from({length:12},(t,n)=>e*10**n)).sort((e,t)=>e-t);function Nm({name:e,tone:t,bars:n,dashed:o}){let i=Ys(t==="soft"?"--chart-soft":`--chart-${t}`),r={label:e,stroke:i,points:{show:!1}};return n?{...r,width:0,fill:i,paths:Ke.paths.bars({size:[.8,40],radius:.15})}:{...r,width:2,...o?{dash:[5,5]}:{},...t==="a"?{fill:`${i}18`}:{}}}function zm(e,t,{lines:n,by:o}){let i=e.cursor.idx;if(!t||(t.hidden=i==null||(e.cursor.left??-1)<0,t.hidden||i===null||i===void 0))return;let r=n.map(({name:d,show:h},m)=>{let _=e.data[m+1]?.[i];return _==null?"":`${d} ${(h??String)(_)}`});t.textContent=[Mm[o](e.data[0][i]*1e3,se.value),...r.filter(Boolean)].join(" · ");let l=(e.cursor.left??0)+52,c=e.root.clientWidth-t.clientWidth-4;t.style.left=`${Math.max(0,Math.min(l,c))}px`,t.style.top="4px"}function oo({of:e,head:t,empty:n,choose:o}){if(e.length===0)return u`<${ge} what=${n} />`;let i=[...e].sort((l,c)=>c.value-l.value),r=Math.max(1,...e.map(({value:l})=>l));return u`<p class="rank-head" aria-hidden="true"><span>${t[0]}</span><span>${t[1]}</span></p>
    <ul class="rank" aria-label=${`${t[0]} by ${t[1].toLowerCase()}`}>
      ${i.map(({key:l,text:c,value:d})=>{let h=u`<${M} text=${c??l} empty="(none)" />`;return u`<li key=${l}>
          <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <rect width=${100*d/r} height="1" />
          </svg>
          <span class="what" title=${c??l}
            >${o?u`<button type="button" class="link" onClick=${()=>o(l)}>${h}</button>`:h}</span
          >
          <span class="value">${Ae(d)}</span>
        </li>`})}
    </ul>`}var Im={connecting:"connecting",open:"live",waiting:"connecting again",missing:"off"};function $u({presence:e,report:t,samples:n,state:o}){return u`<div class="live-top">
      <section class="panel" aria-label="Active now">
        <header>
          <h2>Active now</h2>
          <span class=${`status ${o}`} role="status"><i></i>${Im[o]}</span>
        </header>
        <div class="body stack">
          <div class="now-number">
            <strong>${e?Ae(e.m5):"–"}</strong>
            <span class="muted">visitors in the last 5 minutes${e?.estimated&&", about"}</span>
          </div>
          <${_t}
            compact
            of=${[{name:"1 minute",value:e?Ae(e.m1):"–"},{name:"30 minutes",value:e?Ae(e.m30):"–"},{name:"Sessions",value:e?Ae(e.sessions):"–"},{name:"Average",value:e?qi(e.ema):"–"}]}
          />
          <${jm} samples=${n} />
          ${e?.degraded&&u`<p class="small warn">Numbers of this router alone: the shared store does not answer.</p>`}
        </div>
      </section>
      <${Vm} report=${t} />
    </div>
    <div class="grid thirds">
      <${de} title="Pages now" flush>
        <${oo}
          of=${(e?.pages??[]).map(({path:i,visitors:r})=>({key:i,value:r}))}
          head=${["Page","Visitors"]}
          empty="Nobody is on a page."
        />
      <//>
      <${Um} />
      <${Bm} presence=${e} carts=${t?.totals.carts} />
    </div>`}function jm({samples:e}){if(e.length<2)return null;let t=e.map(({ema:n})=>n);return u`<div>
    <${bi}
      label=${`Moving average of active visitors, ${qi(t.at(-1))} now`}
      height=${92}
      times=${e.map(({at:n})=>n)}
      by="second"
      lines=${[{name:"average",tone:"a",values:t,show:qi}]}
    />
    <p class="legend"><span>moving average of active visitors</span></p>
  </div>`}function Vm({report:e}){let t=e?.rows??[],n=t.map(o=>o.visitors);return u`<${de}
    title="Last 30 minutes"
    tools=${u`<p class="legend"><span>visitors</span><span class="b">events</span></p>`}
  >
    ${!e&&u`<p class="waiting">Loading…</p>`}
    ${e&&t.every(({events:o})=>o===0)?u`<${ge}
            what="Nobody was here."
            next=${u`Events of browsers show up here within two seconds. <a href="#/sources">Get a snippet</a>`}
          />`:e&&u`<${bi}
            label=${`Visitors by minute, ${Math.max(...n)} at most`}
            height=${250}
            times=${t.map(({minute:o})=>new Date(o).getTime()/1e3)}
            by="minute"
            lines=${[{name:"visitors",tone:"a",values:n,bars:!0,show:Z},{name:"events",tone:"b",values:t.map(({events:o})=>o),show:Z}]}
          />`}
  <//>`}var Hm=18e5,Wm=15e3;function Um(){let e=new Date(Math.floor((Date.now()-Hm)/6e4)*6e4).toISOString(),t=new Date(Math.ceil(Date.now()/6e4)*6e4+6e4).toISOString(),{data:n}=ee(We("/api/stats/geo",{site:Gt.value,from:e,to:t,limit:10}),Wm);return u`<${de} title="Countries, 30 minutes" flush>
    <${oo}
      of=${(n?.rows??[]).map(o=>({key:o.country,text:Tn(o.country),value:o.visitors}))}
      head=${["Country","Visitors"]}
      empty="No session has begun."
    />
  <//>`}function Bm({presence:e,carts:t}){let n=Object.entries(e?.orders.revenue??{});return u`<${de} title="Orders today">
    <${_t}
      compact
      of=${[{name:"Orders",value:e?Z(e.orders.count):"–"},...n.map(([o,{net:i}])=>({name:`Revenue, ${o}`,value:Yn(i,o)})),{name:"Open carts",value:t===void 0?"–":Z(t)}]}
    />
  <//>`}function bu(e){return class extends kn{shouldComponentUpdate(n){return Object.keys(n).some(o=>n[o]!==this.props[o])}render(){return u`<${e} ...${this.props} />`}}}var br=class{byId=new Map;next=0;left=0;take(t){for(let[n,o]of t)this.one(n,o);for(let n of this.byId.keys()){if(this.byId.size<=500)break;this.byId.delete(n),this.left+=1}}clear(){this.byId.clear()}all(){return[...this.byId.values()].reverse()}one(t,n){let o=n.message_id??`(none ${this.next})`,i=this.byId.get(o);if(!i&&t!=="accepted"&&t!=="rejected"&&!n.destination)return;let r=i??this.made(o,n),l=t==="rejected"?{...r,rejected:n.reason??"rejected"}:{...r};n.destination&&(l.fates={...r.fates,[n.destination]:Gm(t,n,r.fates[n.destination])}),this.byId.set(o,l)}made(t,n){let{at:o,kind:i,name:r,source:l}=n;return this.next+=1,{id:t,key:this.next,at:o,kind:i??"",name:r??"",source:l??"",rejected:null,fates:{}}}};function Gm(e,t,n){let o=(n?.attempts??0)+(e==="attempt"?1:0);return{outcome:t.outcome??e,reason:t.reason,status:t.status??n?.status??null,latency:t.latency_ms??n?.latency??null,attempts:o}}function yu(e,{text:t,kind:n,outcome:o}){if(n&&e.kind!==n||o&&!Km(e).includes(o))return!1;if(!t)return!0;let i=t.toLowerCase();return[e.id,e.name,e.source,...Object.keys(e.fates)].some(r=>r.toLowerCase().includes(i))}var Km=e=>[...e.rejected?["rejected"]:[],...Object.values(e.fates).map(({outcome:t})=>t)];var Ym=["accepted","rejected","attempt","settled","gap","sampled"],wu=5e3,Jm=["track","page","screen","identify","group","alias"],Zm=["delivered","skipped","transient","throttled","broken","refused","dead","rejected"];function ku(){let{state:e,rows:t,isPaused:n,pause:o,clear:i,left:r}=eh(),[l,c]=K({text:"",kind:"",outcome:""}),[d,h]=K(""),m=t.filter($=>yu($,l)),_=$=>g=>c({...l,[$]:g.target.value});return u`<section class="panel" aria-label="Events">
    <header>
      <h2>Events</h2>
      <span class=${`status ${e}`} role="status"><i></i>${n?"paused":Qm[e]}</span>
      <div class="bar">
        <input
          type="search"
          aria-label="Filter by event, source, destination or id"
          placeholder="Event, source, destination, id"
          value=${l.text}
          onInput=${_("text")}
        />
        <${xu} label="Kind" all="All kinds" of=${Jm} value=${l.kind} change=${_("kind")} />
        <${xu} label="Outcome" all="All outcomes" of=${Zm} value=${l.outcome} change=${_("outcome")} />
        <${ft}
          label="Tail"
          of=${Xm}
          value=${n?"pause":"go"}
          choose=${$=>o($==="pause")}
        />
        <button type="button" onClick=${i}>Clear</button>
      </div>
    </header>
    ${r>0&&u`<p class="muted small pad">${r} more than could be shown were left out; all of them are stored.</p>`}
    <${th} see=${h} />
    <div class="tail" tabindex="0" role="region" aria-label="Newest events">
      ${m.length===0?u`<${nh} state=${e} isFiltered=${t.length>0} />`:u`<table>
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
                ${m.map($=>u`<${oh} key=${$.key} row=${$} see=${h} zone=${se.value} />`)}
              </tbody>
            </table>`}
    </div>
    ${d&&u`<${ir} id=${d} close=${()=>h("")} />`}
  </section>`}var Qm={connecting:"connecting",open:"live",waiting:"connecting again",missing:"off"},Xm=[["go","Follow"],["pause","Pause"]];function eh(){let e=it(new br),t=it([]),n=it(0),o=it(0),i=it(!1),[r,l]=K([]),[c,d]=K(!1),h=()=>{o.current=0,!(i.current||t.current.length===0)&&(e.current.take(t.current.splice(0)),l(e.current.all()))},m=Ro("/api/live",Ym,(g,x)=>{if(g==="gap"||g==="sampled"){let{missed:E,left_out:P}=x;n.current+=E??P??0;return}t.current.push([g,x]),t.current.length>wu&&(n.current+=t.current.splice(0,t.current.length-wu).length),o.current||(o.current=requestAnimationFrame(h))});return nt(()=>()=>cancelAnimationFrame(o.current),[]),{state:m,rows:r,isPaused:c,pause:g=>{i.current=g,d(g),g||h()},clear:()=>{e.current.clear(),t.current=[],n.current=0,l([])},left:n.current}}var xu=({label:e,all:t,of:n,value:o,change:i})=>u`<select aria-label=${e} value=${o} onChange=${i}>
    <option value="">${t}</option>
    ${n.map(r=>u`<option key=${r} value=${r}>${r}</option>`)}
  </select>`;function th({see:e}){return u`<form class="bar pad" onSubmit=${n=>{n.preventDefault();let o=String(new FormData(n.currentTarget).get("id")??"").trim();o&&e(o)}}>
    <input name="id" aria-label="Message id" placeholder="Find any stored event by its messageId" autocomplete="off" />
    <button>Find</button>
  </form>`}function nh({state:e,isFiltered:t}){return t?u`<${ge} what="No event passes the filter." next=${`The last ${500} events are looked at.`} />`:e==="missing"?u`<${ge}
      what="This router has no live tap."
      next="Events are stored and delivered all the same; find one by its id above."
    />`:u`<${ge}
    what="Waiting for events."
    next=${u`They show up here as they are accepted. <a href="#/sources">Send the first one</a>`}
  />`}var oh=bu(({row:e,see:t})=>{let n=Object.entries(e.fates);return u`<tr class="pick">
    <td class="c-time tight muted"><time datetime=${e.at}>${Pn(e.at,se.value)}</time></td>
    <td class="c-kind"><span class="muted">${e.kind}</span></td>
    <td class="name c-name">
      <button type="button" class="link" onClick=${()=>t(e.id)}>
        <${M} text=${e.name||e.kind||e.id} />
      </button>
    </td>
    <td class="c-source"><${M} text=${e.source} /></td>
    <td>
      <span class="chips">
        ${e.rejected&&u`<${Pt} word="dead" text=${`rejected: ${e.rejected}`} />`}
        ${n.map(([o,i])=>u`<${Pt} key=${o} word=${i.outcome} text=${`${o}: ${i.outcome}${i.attempts>1?` ×${i.attempts}`:""}`} title=${ih(i)} />`)}
        ${!e.rejected&&n.length===0&&u`<span class="chip plain quiet">accepted</span>`}
      </span>
    </td>
  </tr>`}),ih=({reason:e,status:t,latency:n})=>[e,t!==null&&`status ${t}`,n!==null&&Co(n)].filter(Boolean).join(", ");var rh=["snapshot","presence"],sh=5e3,lh=900;function Su(){let e={site:Gt.value},[t,n]=K(),[o,i]=K([]),r=Ro(We("/presence/stream",e),rh,(c,d)=>{let h=d;n(h),i(m=>[...m.slice(1-lh),{at:Date.now()/1e3,ema:h.ema}])}),l=ee(r==="missing"?null:We("/api/stats/realtime",e),sh);return u`<div class="top">
      <h1>Live</h1>
      <${Zi} />
    </div>
    <div class="stack">
      ${r==="missing"?u`<p class="notice">
              <span>Visitors are not counted here: <code>[realtime] enabled</code> is off.</span>
            </p>`:u`<${Nt} trouble=${l.trouble} />
              <${$u}
                presence=${t??l.data?.totals}
                report=${l.data}
                samples=${o}
                state=${r}
              />`}
      <${ku} />
    </div>`}var yr=3e4;function Tu(){let e=ln().isHourly?"hour":"day",t=ee(st("series",{bucket:e,limit:1e3}),yr),n=ee(st("series",{bucket:e,limit:1e3},"before"),0);return u`<${Cn} title="Overview" isFiltered />
    <div class="stack">
      <${Se} of=${t}
        >${o=>u`<${ah} of=${o.totals} before=${n.data?.totals} /><${uh} of=${o} before=${n.data} />`}<//
      >
      <div class="grid">
        <${Js} title="Sources" report="sources" of=${dh} />
        <${hh} />
        <${Js} title="Places" report="geo" of=${ph} />
        <${Js} title="Devices" report="devices" of=${fh} />
        <${gh} />
      </div>
    </div>`}function ah({of:e,before:t}){let n=(o,i)=>({name:o,value:Ae(e[i]??0),...er(e[i]??0,t?.[i])});return u`<${_t}
    of=${[n("Visitors","visitors"),n("Views","views"),n("Sessions","sessions"),{name:"Bounce rate",value:Kt(e.bounce_rate??0),beside:t&&`${Kt(t.bounce_rate??0)} before`},{name:"Duration",value:Ne((e.avg_duration_s??0)*1e3),beside:t&&`${Ne((t.avg_duration_s??0)*1e3)} before`},n("Conversions","conversions")]}
  />`}var ch=[["visitors","Visitors"],["views","Views"],["sessions","Sessions"]];function uh({of:e,before:t}){let[n,o]=K("visitors"),i=ln().isHourly,r=e.rows.map(c=>c[n]),l=u`<${ft} tabs label="What is drawn" of=${ch} value=${n} choose=${o} />`;return u`<${de} title=${i?"By hour":"By day"} tools=${l}>
    ${r.every(c=>c===0)?u`<${ge}
            what="Nobody came in this time."
            next=${u`Choose a longer period, or <a href="#/sources">install the tracker</a>.`}
          />`:u`<${bi}
              label=${`${n} over time: ${Z(Math.max(...r))} at most`}
              height=${260}
              times=${e.rows.map(({time:c})=>new Date(c).getTime()/1e3)}
              by=${i?"hour":"day"}
              lines=${[{name:n,tone:"a",values:r,show:Z},{name:"before",tone:"soft",dashed:!0,values:e.rows.map((c,d)=>t?.rows[d]?.[n]??null),show:Z}]}
            />
            <p class="legend"><span>this period</span><span class="soft">the time before</span></p>`}
  <//>`}var dh=[["channel","Channel"],["source","Source"],["medium","Medium"],["campaign","Campaign"],["referrer","Referrer"]],ph=[["country","Country"],["region","Region"],["city","City"]],fh=[["device","Device"],["browser","Browser"],["os","System"]];function Js({title:e,report:t,of:n}){let[o,i]=K(n[0][0]),r=ee(st(t,{by:o,limit:10}),yr),l=u`<${ft} tabs label=${`${e} by`} of=${n} value=${o} choose=${i} />`;return u`<${de} title=${e} tools=${l} flush>
    <${Se} of=${r}>
      ${({rows:c})=>u`<${oo}
          head=${[n.find(([d])=>d===o)[1],"Visitors"]}
          empty="Nothing in this time."
          choose=${d=>Xi(o,d)}
          of=${c.map(d=>({key:String(d[o]??""),text:o==="country"?Tn(String(d[o])):String(d[o]??""),value:Number(d.visitors)}))}
        />`}
    <//>
  <//>`}var mh=[["views","Top"],["entries","Entry"],["exits","Exit"]];function hh(){let[e,t]=K("views"),n=ee(st("pages",{limit:100}),yr),o=u`<${ft} tabs label="Pages by" of=${mh} value=${e} choose=${t} />`;return u`<${de} title="Pages" tools=${o} flush>
    <${Se} of=${n}>
      ${({rows:i})=>{let l=i.filter(c=>c[e]>0).sort((c,d)=>d[e]-c[e]).slice(0,10).map(c=>({key:c.path,value:c[e]}));return u`<${oo}
          head=${["Page",e==="views"?"Views":"Sessions"]}
          empty="No page was seen in this time."
          choose=${c=>Xi("path",c)}
          of=${l}
        />`}}
    <//>
  <//>`}function gh(){let e=ee(st("events",{limit:10}),yr);return u`<${de} title="Events" class="whole" flush>
    <${Se} of=${e}>
      ${({rows:t})=>u`<${oo}
          head=${["Event","Count"]}
          empty="No track call in this time."
          choose=${n=>Xi("event",n)}
          of=${t.map(n=>({key:n.event??n.name??"",value:n.count}))}
        />`}
    <//>
  <//>`}var Eu=3e4,Mu={LCP:["Largest content painted",2500,4e3],INP:["Interaction to next paint",200,500],CLS:["Layout shift",.1,.25],FCP:["First content painted",1800,3e3],TTFB:["First byte",800,1800]},Pu=Object.keys(Mu),Zs={good:"good","needs-improvement":"warn",needs_improvement:"warn",poor:"bad"},Xs={good:"good",warn:"needs improvement",bad:"poor"};function Ru(){let e=ee(st("vitals"),Eu);return u`<${Cn} title="Performance" isFiltered />
    <div class="stack">
      <${Se} of=${e}>
        ${({rows:t})=>t.length===0?u`<section class="panel">
                <${ge}
                  what="No web vitals in this time."
                  next=${u`The tracker measures them by itself: <a href="#/sources">install it</a> with <code>sampleVitals</code> above 0.`}
                />
              </section>`:u`<div class="grid">
                  ${Cu(t).map(n=>u`<${vh} key=${n.metric} of=${n} />`)}
                </div>
                <${_h} of=${Cu(t).map(({metric:n})=>n)} />`}
      <//>
    </div>`}var Cu=e=>[...e].sort((t,n)=>Pu.indexOf(t.metric)-Pu.indexOf(n.metric)),wr=(e,t)=>e==="CLS"?t.toFixed(2):t>=1e3?`${(t/1e3).toFixed(2)} s`:`${Math.round(t)} ms`;function Au({samples:e,good:t,needs_improvement:n,poor:o}){let i=t+n+o>1.5&&e||1;return[{tone:"good",share:t/i},{tone:"warn",share:n/i},{tone:"bad",share:o/i}]}var Qs=e=>Au(e).map(({tone:t,share:n})=>`${Kt(n)} ${Xs[t]}`).join(", ");function vh({of:e}){let[t,n,o]=Mu[e.metric]??[e.metric,0,0],i=Zs[e.rating]??"warn";return u`<${de}
    title=${`${t} (${e.metric})`}
    tools=${u`<span class=${`chip ${i}`}>${Xs[i]}</span>`}
  >
    <div class="vital">
      <p>
        <span class="value">${wr(e.metric,e.p75)}</span>${" "}<span class="muted">at p75 of ${Z(e.samples)} views</span>
      </p>
      <${Eo} label=${Qs(e)} parts=${Au(e)} />
      <p class="small muted">
        ${Qs(e)}. Good up to ${wr(e.metric,n)}, poor beyond ${wr(e.metric,o)}.
      </p>
    </div>
  <//>`}function _h({of:e}){let[t,n]=K(e[0]??"LCP"),o=ee(st("vitals",{by:"path",limit:1e3}),Eu),i=u`<${ft}
    tabs
    label="Metric"
    of=${e.map(r=>[r,r])}
    value=${t}
    choose=${n}
  />`;return u`<${de} title="By page" tools=${i} flush>
    <${Se} of=${o}>
      ${({rows:r})=>{let l=r.filter(c=>c.metric===t).sort((c,d)=>d.samples-c.samples).slice(0,50);return l.length===0?u`<${ge} what="Not measured on any page." />`:u`<${mn} label="Web vitals by page" head=${[["Page"],["p75",!0],["Rating"],["Views",!0]]}
          >${l.map(c=>u`<tr key=${c.path}>
                <td><${M} text=${c.path} /></td>
                <td class="num">${wr(t,c.p75)}</td>
                <td>
                  <span class=${`chip ${Zs[c.rating]??"warn"}`} title=${Qs(c)}
                    >${Xs[Zs[c.rating]??"warn"]}</span
                  >
                </td>
                <td class="num">${Z(c.samples)}</td>
              </tr>`)}<//
        >`}}
    <//>
  <//>`}var $h=5e3;function Du(){let e=ee("/api/schema",$h);return u`<div class="top"><h1>Schema</h1></div>
    <div class="stack">
      <${Se} of=${e}>
        ${t=>u`<${bh} of=${t.closed??[]} /><${yh} of=${t.conflicts} /><${wh} of=${t.tables} /><${Sh} of=${t.log} />`}
      <//>
    </div>`}var bh=({of:e})=>e.map(({destination:t,table:n,why:o,ddl:i})=>u`<div class="notice warn" key=${t+n}>
        <div>
          <strong><${M} text=${`${t}: table ${n} may not be changed at present.`} /></strong>
          <${M} text=${o} />
          ${i&&u`<pre class="words" tabindex="0"><${M} text=${i} /></pre>`}
        </div>
      </div>`),yh=({of:e})=>e.length===0?null:u`<${de} title="Conflicts" flush>
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
      <//>`;function wh({of:e}){let[t,n]=K(""),o=e.filter(({name:r,columns:l})=>[r,...l.map(c=>c.name)].some(c=>c.includes(t.toLowerCase()))),i=u`<input
    type="search"
    aria-label="Filter by table or column"
    placeholder="Table or column"
    value=${t}
    onInput=${r=>n(r.target.value)}
  />`;return u`<${de} title=${`Tables (${Z(e.length)})`} tools=${e.length>0&&i} flush>
    ${e.length===0&&u`<${ge} what="No tables yet." next=${u`They appear with the first events of a warehouse: <a href="#/destinations">see the destinations</a>.`} />`}
    ${e.length>0&&o.length===0&&u`<${ge} what="No table or column of this name." />`}
    <div class="list">
      ${o.map(r=>u`<${xh} key=${`${r.destination}/${r.name}`} of=${r} />`)}
    </div>
  <//>`}var xh=({of:e})=>u`<details>
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
  </details>`,kh={create_table:"table made",add_column:"column added",widen_column:"column widened"},Sh=({of:e})=>u`<${de} title="Changes" flush>
    ${e.length===0?u`<${ge}
            what="Nothing has changed yet."
            next="Each new table, column and type is written down here."
          />`:u`<${mn} label="Changes" head=${[["When"],["Warehouse"],["Table"],["Change"],["Column"],["Type"]]}
            >${e.slice(0,200).map((t,n)=>u`<tr key=${n}>
                  <td class="tight">
                    <time datetime=${t.at} title=${pt(t.at,se.value)}>${Tt(t.at,Ue.value)}</time>
                  </td>
                  <td><${M} text=${t.destination} /></td>
                  <td><${M} text=${t.table} /></td>
                  <td>
                    ${kh[t.change]??u`<span class="chip bad">${t.change.replaceAll("_"," ")}</span>`}
                    ${t.reason&&u`<span class="small"><${M} text=${t.reason} /></span>`}
                  </td>
                  <td><${M} text=${t.column} /></td>
                  <td class="tight">
                    ${t.from&&u`<code>${t.from}</code> → `}${t.to&&u`<code>${t.to}</code>`}
                  </td>
                </tr>`)}<//
          >`}
  <//>`;var Th=15e3,Ph=500,el=50;function Lu(){let e=ee(st("sessions",{limit:Ph}),Th),[t,n]=K(""),o=zt.value.detail,i=u`<input
    type="search"
    aria-label="Filter the list"
    placeholder="Visitor, page, channel, country"
    value=${t}
    onInput=${r=>n(r.target.value)}
  />`;return u`<${Cn} title="Sessions" isFiltered />
    <${Se} of=${e}>
      ${({rows:r,totals:l})=>{let c=r.filter(d=>Eh(d,t));return u`<div class="stack">
            <${_t}
              of=${[{name:"Sessions",value:Z(l.sessions??r.length)},{name:"Visitors",value:Z(l.visitors??0)},{name:"Bounce rate",value:Kt(l.bounce_rate??0)},{name:"Duration",value:Ne((l.avg_duration_s??0)*1e3)}]}
            />
            <${de} title="Newest sessions" tools=${i} flush>
              ${c.length===0?u`<${ge}
                      what=${r.length?"No session passes the filter.":"No session in this time."}
                      next=${r.length?"":u`A page view of a browser begins one. <a href="#/sources">Install the tracker</a>`}
                    />`:u`<${mn} label="Sessions" head=${Ch}
                      >${c.slice(0,el).map(d=>u`<${Rh} key=${d.id} of=${d} />`)}<//
                    >`}
              ${c.length>el&&u`<p class="muted small pad">${Z(c.length-el)} older ones; choose a shorter period or a filter.</p>`}
            <//>
          </div>
          ${o&&u`<${Ah} id=${o} sessions=${r.filter(d=>d.visitor===o)} />`}`}}
    <//>`}var Ch=[["Visitor"],["Began"],["Way"],["Views",!0],["Duration",!0],["From"],["Place"],["With"]],Eh=(e,t)=>!t||[e.visitor,e.entry,e.exit,e.channel,e.source,e.country,Tn(e.country),e.city,e.browser].some(n=>n.toLowerCase().includes(t.toLowerCase())),Mh=()=>qt("sessions","",{period:ln().key}),Rh=({of:e})=>u`<tr class="pick">
    <td class="tight">
      <a href=${qt("sessions",e.visitor,{period:ln().key})} title=${e.visitor}
        ><${M} text=${e.visitor.length>14?`${e.visitor.slice(0,13)}…`:e.visitor}
      /></a>
    </td>
    <td class="tight">
      <time datetime=${e.start} title=${pt(e.start,se.value)}>${Tt(e.start,Ue.value)}</time>
    </td>
    <td><${Ou} of=${e} /></td>
    <td class="num">${Z(e.pageviews)}</td>
    <td class="num">${Ne(e.duration_s*1e3)}</td>
    <td class="tight"><${M} text=${e.channel} /></td>
    <td class="tight">${Tn(e.country)}</td>
    <td class="tight"><${M} text=${[e.browser,e.os].filter(Boolean).join(", ")} /></td>
  </tr>`,Ou=({of:e})=>u`<${M}
      text=${e.entry}
    />${e.exit!==e.entry&&u` <span class="muted" aria-label="to">→</span> <${M} text=${e.exit} />`}
    ${e.conversions>0&&u` <span class="chip good">${Z(e.conversions)} ${e.conversions===1?"order":"orders"}</span>`}`;function Ah({id:e,sessions:t}){let n=o=>t.reduce((i,r)=>i+r[o],0);return u`<${tr}
    title=${u`Visitor <code><${M} text=${e} /></code>`}
    close=${()=>location.hash=Mh()}
  >
    <${_t}
      compact
      of=${[{name:"Sessions",value:Z(t.length)},{name:"Views",value:Z(n("pageviews"))},{name:"Interactions",value:Z(n("interactions"))},{name:"Orders",value:Z(n("conversions"))}]}
    />
    ${t.length===0&&u`<${ge} what="Not among the newest sessions of this period." next="Choose another period." />`}
    <ol class="path">
      ${t.map(o=>u`<${Dh} key=${o.id} of=${o} />`)}
    </ol>
    <p class="small muted">To erase a visitor, run <code>opentrack forget --user ID</code> on the router's machine.</p>
  <//>`}var Dh=({of:e})=>u`<li class=${e.conversions>0?"good":""}>
    <div class="line">
      <strong>${pt(e.start,se.value)}</strong
      ><span class="muted">${Ne(e.duration_s*1e3)}, looked at for ${Ne(e.engaged_ms)}</span>
    </div>
    <p><${Ou} of=${e} /></p>
    <p class="small muted">
      ${Z(e.pageviews)} views, ${Z(e.interactions)}${" "}
      interactions${e.is_bounce?", bounced":e.is_engaged?", engaged":""} ·${" "}
      <${M} text=${[e.channel,e.source,e.campaign].filter(Boolean).join(" / ")} />${" "}
      · ${Tn(e.country)} · <${M} text=${[e.device,e.browser,e.os].filter(Boolean).join(", ")} />
    </p>
  </li>`;function Fu(e,t){return[{key:"browser",title:"Browser",about:"Into the head of every page. Views, clicks, errors and web vitals come by themselves.",text:`<script async src="${e}/tracker.js" data-write-key="${t}"><\/script>`},{key:"segment",title:"Segment, browser",about:"The library @segment/analytics-next as it is, with other addresses.",text:`import { AnalyticsBrowser } from '@segment/analytics-next'

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
  -d '{"userId":"u1","event":"Signed Up"}'`}]}var Lh=2e3,Oh=["accepted","rejected"];function Nu({source:e}){let[t,n]=K(0);return u`<div class="bar">
    <button type="button" class="main-action" onClick=${()=>n(Date.now())}>
      ${t?"Check again":"Check the installation"}
    </button>
    ${t>0?u`<${Fh} key=${t} source=${e} since=${t} />`:u`<span class="small muted">Waits for the next event of this source.</span>`}
  </div>`}function Fh({source:e,since:t}){let[n,o]=K(),i=n!==void 0;Ro(i?null:"/api/live",Oh,(d,h)=>{let m=h;m.source===e&&o({at:m.at,name:m.name??m.kind??"",rejected:d==="rejected"?m.reason??"rejected":null})});let l=ee(i?null:We("/api/sources",{}),Lh).data?.sources.find(({name:d})=>d===e)?.last_event_at,c=n??(l&&new Date(l).getTime()>=t?{at:l,name:"",rejected:null}:void 0);return c?c.rejected?u`<span class="bad" role="status"
      >An event came and was rejected: <${M} text=${c.rejected} />. See below.</span
    >`:u`<span class="good" role="status"
    ><strong>It works.</strong> ${c.name&&u`“<${M} text=${c.name} />” `}arrived at${" "}
      ${Pn(c.at,se.value)}.</span
  >`:u`<span role="status"
      >Waiting for ${Ne(Math.max(0,Ue.value-t))}. Open a page with the snippet, or send an event.</span
    >`}var zu=5e3;function Iu(){let e=ee("/api/sources",zu),t=zt.value.detail,n=e.data?.sources??[],o=n.filter(({name:i})=>!t||i===t);return u`<div class="top">
      <h1>Sources</h1>
      ${t&&u`<a class="button" href="#/sources">All sources</a>`}
    </div>
    <div class="stack">
      ${e.trouble&&e.trouble.status!==404&&u`<${Nt} trouble=${e.trouble} />`}
      ${e.data&&n.length===0&&u`<${Nh} />`}
      <div class="grid">${o.map(i=>u`<${zh} key=${i.name} of=${i} />`)}</div>
      <${jh} source=${o.length===1?o[0]:void 0} />
      <${Hh} source=${t} />
    </div>`}var Nh=()=>u`<div class="notice warn">
    <div>
      <strong>Any key, or none, is accepted.</strong> That is for development. Add a table${" "}
      <code>[sources.web]</code> with <code>write_keys</code> to the configuration before anybody else can reach this
      router.
    </div>
  </div>`,zh=({of:e})=>u`<section class="panel source-card" aria-label=${e.name}>
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
      ${e.last_error?u`<p class="small bad">Last refused: <${M} text=${Ih(e.last_error)} /></p>`:null}
      <${Nu} source=${e.name} />
    </div>
  </section>`;function Ih(e){if(typeof e=="string")return e;let{code:t,message:n}=e;return[t,n].filter(Boolean).join(": ")}function jh({source:e}){let t=Fu(location.origin,e?`KEY_OF_${e.name.toUpperCase().replace(/[^A-Z0-9]/g,"_")}`:"YOUR_WRITE_KEY"),[n,o]=K(t[0].key),i=t.find(({key:r})=>r===n);return u`<${de}
    title="Send events"
    tools=${u`<${ft} tabs label="Send events from" of=${t.map(({key:r,title:l})=>[r,l])} value=${n} choose=${o} />`}
  >
    <div class="copy">
      <div class="bar">
        <p class="muted">${i.about}</p>
        <${Vh} text=${i.text} />
      </div>
      <pre class="code" tabindex="0"><code>${i.text}</code></pre>
      <p class="small muted">
        Keys are shown only in part here: the whole one is in the configuration, or in the environment variable that it
        names.
      </p>
    </div>
  <//>`}function Vh({text:e}){let[t,n]=K(""),o=()=>navigator.clipboard?navigator.clipboard.writeText(e).then(()=>n(e),()=>n("")):void 0;return navigator.clipboard?u`<button type="button" onClick=${o}>
        <span role="status">${t===e?"Copied":"Copy"}</span>
      </button>`:null}function Hh({source:e}){let t=ee("/api/rejected?limit=100",zu);return u`<${de} title="Rejected events" flush>
    <${Se} of=${t}>
      ${({rejected:n})=>{let o=n.filter(i=>!e||i.source===e);return o.length===0?u`<${ge}
            what="No event was rejected."
            next="An event that breaks a rule of Segment's API is set aside with the reason, and shows up here."
          />`:u`<div class="list">${o.map((i,r)=>u`<${Wh} key=${r} of=${i} />`)}</div>`}}
    <//>
  <//>`}var Wh=({of:e})=>u`<details>
    <summary>
      <span class="chip bad">${e.code}</span><span><${M} text=${e.message} /></span>
      <span class="muted small"
        ><${M} text=${e.source} />,
        <time datetime=${e.at} title=${pt(e.at,se.value)}>${Tt(e.at,Ue.value)}</time></span
      >
    </summary>
    <div class="inside stack">
      <p class="small muted">
        ${e.path&&u`at <code><${M} text=${e.path} /></code>, `}id${" "}
        <code><${M} text=${e.message_id} empty="none" /></code>
      </p>
      <${pi} value=${e.event} />
    </div>
  </details>`;var Uh={live:"M2 8h3l2-5 3 10 2-5h2",destinations:"M2 8h4m0 0 5-5h3M6 8l5 5h3M6 8h8",overview:"M2 13V9m4 4V3m4 10V7m4 6V5",commerce:"M2 3h2l1.5 7h7L14 5H4.5M6 13.5h.01M12 13.5h.01",performance:"M2.5 12a6 6 0 1 1 11 0M8 10l3-4",sessions:"M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM3 14c0-3 2-4.5 5-4.5s5 1.5 5 4.5",sources:"M6 4 2 8l4 4M10 4l4 4-4 4",schema:"M2.5 3h11v10h-11ZM2.5 6.5h11M6.5 6.5V13",health:"M8 13.5C3.5 10.5 2 8.5 2 6a3 3 0 0 1 6-.8A3 3 0 0 1 14 6c0 2.5-1.5 4.5-6 7.5Z",brand:"M2 8h4l6-5M6 8l6 5M6 8h7"},xr=({name:e,size:t=16})=>u`<svg
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
    <path d=${Uh[e]} />
  </svg>`;var kr={live:{title:"Live",show:Su},destinations:{title:"Destinations",show:Va},overview:{title:"Overview",show:Tu},commerce:{title:"Commerce",show:Ca},performance:{title:"Performance",show:Ru},sessions:{title:"Sessions",show:Lu},sources:{title:"Sources",show:Iu},schema:{title:"Schema",show:Du},health:{title:"Health",show:Ua}},Bh=[["Now",["live","destinations"]],["Reports",["overview","commerce","performance","sessions"]],["Set-up",["sources","schema","health"]]],Gh=5e3;function Vu(){let[e,t]=K();return nt(()=>{let n,o=()=>ii().then(()=>t(void 0),i=>{t(i),n=setTimeout(o,3e3)});return o(),()=>clearTimeout(n)},[]),e?u`<main class="login"><${Nt} trouble=${e} /></main>`:St.value?St.value.authenticated||St.value.open?u`<${Kh} />`:u`<${Zh} />`:u`<main class="login"><p class="waiting" role="status">Loading…</p></main>`}function Kh(){let{page:e}=zt.value,t=kr[e]??kr.live;nt(()=>{document.title=`${t.title} · OpenTrack`,scrollTo(0,0)},[t]);let n=ee("/ready",Gh);return u`<div class="frame">
    <a class="skip" href="#content" onClick=${qh}>Go to the content</a>
    <header class="side">
      <div class="brand"><${xr} name="brand" size=${22} /><span>OpenTrack</span></div>
      <nav aria-label="Pages">
        ${Bh.map(([o,i])=>u`<h2>${o}</h2>
              <ul>
                ${i.map(r=>u`<li key=${r}><${Yh} name=${r} isHere=${kr[r]===t} ready=${n.data} /></li>`)}
              </ul>`)}
      </nav>
      <div class="foot"><${ju} place="side" /></div>
    </header>
    <main class="main" id="content" tabindex="-1">
      ${n.trouble&&u`<div class="above"><${Nt} trouble=${n.trouble} /></div>`}
      ${u`<${t.show} key=${e} />`}
      <div class="narrow-foot"><${ju} place="foot" /></div>
    </main>
  </div>`}function qh(e){e.preventDefault(),document.getElementById("content")?.focus()}function Yh({name:e,isHere:t,ready:n}){let o=(n?.checks??[]).filter(({ok:r})=>!r).length,i=o>0&&e==="health";return u`<a href=${qt(e)} aria-current=${t?"page":void 0}>
    <${xr} name=${e} />${kr[e].title}
    ${i&&u`<span class=${n?.status==="not_ready"?"mark":"mark warn"} title=${`${o} not fine`}
        ><span class="hidden">, ${o} not fine</span></span
      >`}
  </a>`}var Jh=[["auto","Auto"],["light","Light"],["dark","Dark"]];function ju({place:e}){let t=n=>se.value=n.target.value;return u`<label class="field" for=${`zone-${e}`}
      ><span>Time zone</span>
      <select id=${`zone-${e}`} value=${se.value} onChange=${t}>
        ${$a().map(n=>u`<option key=${n} value=${n}>${n.replaceAll("_"," ")}</option>`)}
      </select></label
    >
    <div>
      <${ft} label="Looks" of=${Jh} value=${si.value} choose=${n=>si.value=n} />
    </div>
    ${!St.value?.open&&u`<button type="button" onClick=${()=>{fa().catch(()=>{})}}>Log out</button>`}`}function Zh(){let e=St.value?.password??!1,[t,n]=K(e?"password":"token"),[o,i]=K(),r=async l=>{l.preventDefault();let c=String(new FormData(l.currentTarget).get("secret")??"").trim();try{await pa(t==="password"?{password:c}:{token:c})}catch(d){d instanceof rt&&i(d.status===401?new rt(-1,"",Xh[t]):d)}};return u`<main class="login">
    <div class="panel">
      <div class="brand">
        <${xr} name="brand" size=${22} />
        <h1>OpenTrack</h1>
      </div>
      ${e&&u`<${ft} label="Log in with" of=${Qh} value=${t} choose=${n} />`}
      <form onSubmit=${r}>
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
        <${Nt} trouble=${o} />
        <button class="main-action">Log in</button>
      </form>
      <p class="muted small">
        ${t==="password"?u`The password is <code>[console] password</code> of the configuration.`:u`Make a token with <code>opentrack token --scope "admin" --ttl 12h</code>.`}
      </p>
    </div>
  </main>`}var Qh=[["password","Password"],["token","Token"]],Xh={password:"This is not the password.",token:"This token is not valid, or has ended."};var Hu=document.getElementById("app");Hu.replaceChildren();Hl(u`<${Vu} />`,Hu);
